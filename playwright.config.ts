import { defineConfig } from "@playwright/test";

const port = Number(process.env.E2E_PORT ?? 4180);
// Under a path, as on a project's page at a hosting service: an address that
// only works at the root fails here.
const base = "/layerlab/";

export default defineConfig({
  outputDir: "test-results",
  workers: 1,
  retries: 0,
  forbidOnly: !!process.env.CI,
  reporter: "list",
  use: {
    baseURL: `http://localhost:${port}${base}`,
    browserName: "chromium",
    launchOptions: {
      // Set by scripts/env.sh; without it, what Playwright has installed.
      executablePath: process.env.CHROMIUM || undefined,
      args: [
        "--no-sandbox",
        "--disable-background-networking",
        "--no-first-run",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
    trace: "off",
    video: "off",
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "browser", testDir: "tests/browser" },
    { name: "bench", testDir: "tests/bench" },
  ],
  webServer: {
    command: "node scripts/serve.mjs",
    env: { PORT: String(port), BASE: base },
    url: `http://localhost:${port}${base}`,
    reuseExistingServer: false,
  },
});

// Serves dist/ on localhost, for `make run` and for the browser tests.
//
//   PORT    default 8080
//   BASE    the path the page lives under, default /

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import sirv from "sirv";

const port = Number(process.env.PORT ?? 8080);
const base = process.env.BASE ?? "/";

if (!existsSync("dist/index.html")) {
  console.error("error: There is no dist/index.html. Run `make build` first.");
  process.exit(1);
}

// `dev` reads the folder at each request, so a rebuild is seen without a restart.
const files = sirv("dist", { dev: true, etag: true });

const server = createServer((request, response) => {
  const notFound = () => {
    response.writeHead(404, { "content-type": "text/plain" }).end("Not found\n");
  };
  if (!request.url?.startsWith(base)) return notFound();
  request.url = request.url.slice(base.length - 1);
  files(request, response, notFound);
});

server.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
  console.error(
    error.code === "EADDRINUSE"
      ? `error: Port ${port} is taken. Stop what runs there, or choose another: PORT=8081 make run`
      : `error: Cannot serve on port ${port}: ${error.message}`,
  );
  process.exit(1);
});

// The address and not the name: the name may stand for an IPv6 address that
// the machine does not have. Browsers try both.
server.listen(port, "127.0.0.1", () => {
  console.log(`Layerlab is served on http://localhost:${port}${base === "/" ? "" : base} (Ctrl+C stops it)`);
});

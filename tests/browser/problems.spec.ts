// What BuildKit's checks say stands under the right words, with its rule, and
// can be repaired by keyboard alone.

import { editor, openPage, paste } from "./fixtures/simulate";
import { expect, test } from "./fixtures/test";

const problems = "Problems";

test("a misspelled instruction is repaired by keyboard", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node\nRUNN npm ci\n");
  const list = page.getByRole("list", { name: problems });
  await expect(list.getByRole("listitem")).toHaveText(/line 2 `RUNN` is no Dockerfile instruction/);
  await list.getByRole("button", { name: "Replace by `RUN`" }).focus();
  await page.keyboard.press("Enter");
  await expect(editor(page)).toContainText("RUN npm ci");
  await expect(list.getByRole("listitem")).toHaveCount(0);
  await expect(page.getByRole("status").first()).not.toContainText("refuses");
});

test("a check names its rule, leads to it, and its repair silences it", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node AS build\nMAINTAINER me@example.com\nENV MODE value\nCMD echo hi\n");
  const list = page.getByRole("list", { name: problems });
  await expect(list.getByRole("listitem")).toHaveCount(3);
  for (const [line, rule] of [["line 2", "MaintainerDeprecated"], ["line 3", "LegacyKeyValueFormat"], ["line 4", "JSONArgsRecommended"]]) {
    const row = list.getByRole("listitem").filter({ hasText: rule as string });
    await expect(row).toContainText(line as string);
    await expect(row.getByRole("link", { name: rule })).toHaveAttribute("href", /^https:\/\/docs\.docker\.com\/go\/dockerfile\/rule\//);
  }
  const legacy = list.getByRole("listitem").filter({ hasText: "LegacyKeyValueFormat" });
  await legacy.getByRole("button", { name: /^(?!line )/ }).press("Enter");
  await expect(editor(page)).toContainText("ENV MODE=value");
  await expect(legacy).toHaveCount(0);
});

test("the words of a finding are underlined, and the mouse over them shows the rule", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node\nMAINTAINER me@example.com\n");
  await expect(page.getByRole("list", { name: problems }).getByRole("listitem")).toHaveCount(1);
  await editor(page).getByText("MAINTAINER").hover();
  const rule = page.getByRole("link", { name: "about this rule" });
  await expect(rule).toHaveAttribute("href", /maintainer-deprecated/);
});

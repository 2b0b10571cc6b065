// What pages do beyond HTML: live updates, times in the reader's zone, tables for phones, keys.

const root = document.documentElement;
const CLOCK = {
  time: { hour: "2-digit", minute: "2-digit" },
  date: { day: "numeric", month: "short" },
};
const EXACT = { dateStyle: "medium", timeStyle: "medium" };

// Times

function showTimes() {
  const exact = root.dataset.times === "exact";
  for (const each of document.querySelectorAll("time[datetime]")) {
    const then = new Date(each.dateTime);
    if (Number.isNaN(then.getTime())) continue;
    each.dataset.relative ??= each.textContent;
    const local = then.toLocaleString([], CLOCK[each.dataset.clock] ?? EXACT);
    const isLocal = exact || "clock" in each.dataset;
    each.title = exact ? each.dataset.relative : then.toLocaleString([], EXACT);
    each.textContent = isLocal ? local : each.dataset.relative;
  }
  for (const each of document.querySelectorAll("[data-times-switch]")) {
    each.setAttribute("aria-pressed", exact);
  }
}

// Tables: where one is wider than its frame, as on a phone, each row is a card, so that no value
// and no button is out of sight. Values of cards need the names of their columns. The roles keep it
// a table for those who do not see it.

function labelTables() {
  for (const table of document.querySelectorAll("main table")) {
    if (!table.tHead) continue;
    table.classList.add("labelled");
    table.setAttribute("role", "table");
    const names = columnNames(table.tHead);
    for (const part of [table.tHead, ...table.tBodies]) part.setAttribute("role", "rowgroup");
    for (const row of table.rows) labelRow(row, names);
  }
}

// A head of several rows names a column by all cells that stand over it.
function columnNames(head) {
  const names = [];
  const taken = [...head.rows].map(() => []);
  for (const [line, row] of [...head.rows].entries()) {
    let column = 0;
    for (const cell of row.cells) {
      while (taken[line][column]) column++;
      for (let end = column + cell.colSpan; column < end; column++) {
        names[column] = `${names[column] ?? ""} ${cell.textContent.trim()}`.trim();
        for (let below = line; below < line + cell.rowSpan; below++) taken[below][column] = true;
      }
    }
  }
  return names;
}

function labelRow(row, names) {
  row.setAttribute("role", "row");
  for (const cell of row.cells) {
    const isHead = cell.tagName === "TH";
    const side = row.parentNode.tagName === "THEAD" ? "columnheader" : "rowheader";
    cell.setAttribute("role", isHead ? side : "cell");
    if (!isHead) cell.dataset.label = names[cell.cellIndex] ?? "";
  }
}

function fitTables() {
  for (const table of document.querySelectorAll("main .labelled")) {
    table.classList.remove("cards");
    const frame = table.parentElement;
    table.classList.toggle("cards", frame.scrollWidth > frame.clientWidth);
  }
}

// What can be scrolled must be reached by the keyboard.
function reachScrollers() {
  for (const each of document.querySelectorAll("main :is(pre, .scroll)")) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
  }
}

function prepare() {
  showTimes();
  labelTables();
  fitTables();
  reachScrollers();
}

addEventListener("resize", fitTables);

// Live updates: not while nobody looks, and not while the reader works with the page.

function isInUse(live) {
  const selection = getSelection();
  if (!selection.isCollapsed && live.contains(selection.anchorNode)) return true;
  if (live.querySelector("details[open], :is(input, textarea, select):focus")) return true;
  return [...live.querySelectorAll("input, textarea")].some((field) =>
    field.type === "checkbox"
      ? field.checked !== field.defaultChecked
      : field.value !== field.defaultValue,
  );
}

function tell(state, why) {
  const pulse = document.querySelector("[data-pulse]");
  pulse.title = why;
  if (pulse.textContent !== state) pulse.textContent = pulse.dataset.state = state;
}

function mayUpdate(live) {
  if (!isInUse(live)) return true;
  tell("paused", "This page is not updated while something on it is selected or filled in.");
  return false;
}

document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden || !mayUpdate(event.target)) event.preventDefault();
});
document.addEventListener("htmx:before:swap", (event) => {
  const isPage = event.detail.ctx.text?.includes('id="live"');
  if (!isPage) tell("offline", "This page is not updated: the dashboard answers with another page.");
  if (!isPage || !mayUpdate(event.target)) event.preventDefault();
});
document.addEventListener("htmx:after:swap", () => {
  prepare();
  tell("live", "This page updates itself.");
});
document.addEventListener("htmx:error", () => {
  tell("offline", "The dashboard does not answer; this page shows what was before.");
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.getElementById("live").dispatchEvent(new Event("every"));
});

// Switches, "select all", and the key for the search

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-switch], [data-times-switch]");
  if (!button) return;
  if ("timesSwitch" in button.dataset) {
    chosen.set("times", root.dataset.times === "exact" ? "relative" : "exact");
    showTimes();
  } else {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    chosen.set("theme", (root.dataset.theme ?? system) === "dark" ? "light" : "dark");
  }
});

document.addEventListener("change", (event) => {
  if (!("selectAll" in event.target.dataset)) return;
  for (const each of event.target.form.querySelectorAll("input[name=id]")) {
    each.checked = event.target.checked;
  }
});

document.addEventListener("keydown", (event) => {
  const inField = event.target.closest("input, textarea, select");
  if (event.key !== "/" || inField || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const field = document.querySelector("[data-find]");
  if (!field.checkVisibility()) document.getElementById("menu").showPopover();
  field.focus();
});

prepare();
if (document.getElementById("live").getAttribute("hx-trigger") !== "never") {
  tell("live", "This page updates itself.");
}

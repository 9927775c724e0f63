const table = document.getElementById("components");
const rows = [...table.tBodies[0].rows]; // in order of start index, as the logs are numbered
const logs = rows.map((_, at) => document.getElementById(`log-${at}`).parentElement);
const texts = rows.map(row => [...row.cells].slice(0, 3).map(cell => cell.textContent).join(" ").toLowerCase());
const [search, select] = document.querySelectorAll("#choice :is(input, select)");
const chips = [...document.querySelectorAll(".chips button")];
const heads = [...table.tHead.rows[0].cells];
const compare = new Intl.Collator(undefined, {numeric: true}).compare;
const keys = {
  component: row => row.cells[0].textContent,
  host: row => row.cells[1].textContent,
  state: row => row.dataset.state,
};
const number = count => count.toLocaleString("en");
const FEW = 30; // groups with so few rows in all are open
const states = new Set(); // the chosen ones; if there are none, all are shown
const opened = new Set(); // names of groups
let column = -1;
let isDescending = false;

function chosenRows() {
  const words = search.value.toLowerCase().split(/\s+/);
  const isChosen = (row, at) =>
    (!states.size || states.has(row.dataset.state)) && words.every(word => texts[at].includes(word));
  return rows.filter(isChosen);
}

function inOrder(chosen) {
  if (column < 0) return chosen;
  const valueOf = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const sign = isDescending ? -1 : 1;
  // A cell without a value comes last in both directions.
  return chosen.sort((one, other) => {
    const [a, b] = [valueOf(one), valueOf(other)];
    return (a === "") - (b === "") || sign * compare(a, b);
  });
}

function groupsOf(chosen) {
  const key = keys[select.value];
  const groups = new Map();
  for (const row of chosen) {
    const name = key ? key(row) : "";
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  return groups;
}

function headOf(name, group, isOpen) {
  const row = document.createElement("tr");
  row.className = "group";
  const head = row.appendChild(document.createElement("th"));
  head.scope = "rowgroup";
  head.colSpan = heads.length;
  const button = head.appendChild(document.createElement("button"));
  button.type = "button";
  button.textContent = name;
  button.setAttribute("aria-expanded", isOpen);
  button.addEventListener("click", () => {
    if (!opened.delete(name)) opened.add(name);
    draw();
  });
  for (const chip of chips) {
    const count = group.filter(row => row.dataset.state === chip.dataset.state).length;
    if (!count) continue;
    const text = head.appendChild(document.createElement("span"));
    text.className = chip.className;
    text.textContent = `${number(count)} ${chip.dataset.state}`;
  }
  return row;
}

// Put only the rows that are seen into the page: a table of thousands of rows is slow.
function draw() {
  const chosen = inOrder(chosenRows());
  const isFew = chosen.length <= FEW;
  const bodies = [];
  for (const [name, group] of groupsOf(chosen)) {
    const body = document.createElement("tbody");
    const isOpen = isFew || opened.has(name) || select.value === "none";
    if (select.value !== "none") body.append(headOf(name, group, isOpen));
    if (isOpen) body.append(...group);
    bodies.push(body);
  }
  table.replaceChildren(table.tHead, ...bodies);
  const isShown = new Set(chosen);
  rows.forEach((row, at) => { logs[at].hidden = !isShown.has(row); });
  for (const chip of chips) chip.setAttribute("aria-pressed", states.has(chip.dataset.state));
  heads.forEach((head, at) => {
    if (at !== column) head.removeAttribute("aria-sort");
    else head.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
  });
  const isAll = chosen.length === rows.length;
  document.querySelector("#choice [role=status]").textContent = isAll ? "" : `${number(chosen.length)} of ${number(rows.length)}`;
}

// Show the rows of one component name, or only those of some states.
function showName(name, ...wanted) {
  search.value = "";
  select.value = "component";
  states.clear();
  wanted.forEach(state => states.add(state));
  opened.clear();
  opened.add(name);
  draw();
  const button = [...table.querySelectorAll(".group button")].find(each => each.textContent === name);
  button.scrollIntoView({block: "center"});
}

function showLog(id) {
  const log = document.getElementById(id)?.parentElement;
  if (log) {
    log.hidden = false;
    log.open = true;
    const others = log.closest("#others");
    if (others) others.open = true;
  }
  location.hash = id;
  document.getElementById(id)?.scrollIntoView();
}

search.addEventListener("input", draw);
select.addEventListener("change", draw);
for (const chip of chips) chip.addEventListener("click", () => {
  if (!states.delete(chip.dataset.state)) states.add(chip.dataset.state);
  draw();
});
heads.forEach((head, at) => head.firstElementChild.addEventListener("click", () => {
  isDescending = at === column && !isDescending;
  column = at;
  draw();
}));
for (const link of document.querySelectorAll(":is(td, #failed) a"))
  link.addEventListener("click", () => showLog(link.hash.slice(1)));
for (const button of document.querySelectorAll("#failed button")) {
  const row = rows[button.dataset.first];
  button.addEventListener("click", () => showName(keys.component(row), row.dataset.state));
}
draw();
if (location.hash.startsWith("#log-")) showLog(location.hash.slice(1));
document.getElementById("all").addEventListener("click", event => {
  const shown = logs.filter(log => !log.hidden);
  const opens = shown.some(log => !log.open);
  for (const log of shown) log.open = opens;
  const others = document.getElementById("others");
  if (others) others.open = opens;
  event.target.textContent = opens ? "Close all" : "Open all";
});
// If a log is longer than its box, a reader looks for its end.
for (const log of logs) log.addEventListener("toggle", () => {
  const text = log.querySelector("pre");
  if (text) text.scrollTop = text.scrollHeight;
});
const plot = document.getElementById("timeline");
plot.on("plotly_click", event => {
  const target = event.points[0].customdata;
  if (typeof target === "number") showLog(`log-${target}`);
  else showName(target);
});
// Both charts show the same time.
const charts = [plot, document.getElementById("usage")].filter(Boolean);
for (const chart of charts) chart.on("plotly_relayout", () => {
  for (const other of charts) {
    if (String(other.layout.xaxis.range) !== String(chart.layout.xaxis.range))
      Plotly.relayout(other, {"xaxis.range": [...chart.layout.xaxis.range]});
  }
});
// On a touch screen, dragging scrolls the page instead of zooming the chart.
for (const chart of charts) {
  if (matchMedia("(pointer: coarse)").matches) Plotly.relayout(chart, {dragmode: false});
}
// In CSS pixels, paper is narrower than a screen.
addEventListener("beforeprint", () => charts.forEach(chart => Plotly.relayout(chart, {width: 680})));
addEventListener("afterprint", () => charts.forEach(chart => Plotly.relayout(chart, {width: null, autosize: true})));

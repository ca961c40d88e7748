// The chart's cursor: the value under the pointer, or at the place that the arrow keys have moved to.

const WIDTHS = { left: 60, right: 712, width: 720 };

const textOf = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;

let shown = null;

function show(chart, index) {
  const values = chart.dataset.values.split(" ");
  const place = Math.min(values.length - 1, Math.max(0, index));
  shown = { id: chart.id, place };
  const x = WIDTHS.left + (place * (WIDTHS.right - WIDTHS.left)) / (values.length - 1);
  const cursor = chart.querySelector(".cursor");
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  cursor.setAttribute("visibility", "visible");
  const time = Number(chart.dataset.start) + place * Number(chart.dataset.step);
  const reading = chart.closest("figure").querySelector(".reading");
  reading.textContent = `${textOf(time)}: ${Number(values[place]).toLocaleString("en")} DATA`;
}

// A board that was fetched anew has no cursor yet.
export function restoreCursor() {
  const chart = shown && document.getElementById(shown.id);
  if (chart) show(chart, shown.place);
}

function hide(chart) {
  shown = null;
  chart.querySelector(".cursor").setAttribute("visibility", "hidden");
  const reading = chart.closest("figure").querySelector(".reading");
  reading.textContent = reading.dataset.summary;
}

const chartOf = (event) => event.target.closest?.("svg.chart");

export function watchCharts() {
  document.addEventListener("pointermove", (event) => {
    const chart = chartOf(event);
    if (!chart) return;
    const box = chart.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTHS.width;
    const last = chart.dataset.values.split(" ").length - 1;
    show(chart, Math.round(((x - WIDTHS.left) / (WIDTHS.right - WIDTHS.left)) * last));
  });
  document.addEventListener("pointerout", (event) => {
    const chart = chartOf(event);
    if (chart && !chart.contains(event.relatedTarget)) hide(chart);
  });
  document.addEventListener("keydown", (event) => {
    const chart = chartOf(event);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!chart || !step) return;
    event.preventDefault();
    show(chart, (shown?.id === chart.id ? shown.place : chart.dataset.values.split(" ").length - 1) + step);
  });
  document.addEventListener("focusout", (event) => {
    const chart = chartOf(event);
    if (chart) hide(chart);
  });
}

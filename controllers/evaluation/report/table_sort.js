// Sorts a table by the column whose name is pressed, again the other way; empty cells stay last.
const value = (row, column) => {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text.replace(/,/g, "").replace("∞", "Infinity"));
  return Number.isNaN(number) ? text : number;
};
const inOrder = (a, b) => {
  if (a === "" || b === "") return 0;
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === "number" ? -1 : 1;
};
document.querySelectorAll("thead button").forEach(button => button.onclick = () => {
  const head = button.parentElement, body = head.closest("table").tBodies[0], column = head.cellIndex;
  const sign = head.ariaSort === "ascending" ? -1 : 1;
  const rows = [...body.rows].map(row => [value(row, column), row]);
  rows.sort(([a], [b]) => (a === "") - (b === "") || sign * inOrder(a, b));
  body.append(...rows.map(([, row]) => row));
  [...head.parentElement.cells].forEach(cell => cell.ariaSort = "none");
  head.ariaSort = sign > 0 ? "ascending" : "descending";
});

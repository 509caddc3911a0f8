// Arrays as coloured squares, with their numbers where there is room.

let palettes = null; // colours at equal distances, from Python: `signed` and `sequential`, by their channels
const MISSING = [205, 205, 205];
const NARROWEST_NUMBER = 46;
const HIGHEST_NUMBER = 21;
const WIDEST_NUMBER = 58; // pixels of a cell with its number in it
const NARROWEST_NAMED = 9; // pixels of a column with its name above it
const LOWEST_MAP = 80; // pixels of a map whose cells would be lower than 5
const MOST_RECTANGLES = 256; // cells; more are one picture

/**
 * The scale for some arrays: from 0, or from −limit where there are negative numbers or `signed` asks for it.
 * `statistics` are of all elements, of which the arrays may be a part.
 */
function scaleFor(arrays, signed = false, statistics = null) {
  const [least, most] = [statistics?.min, statistics?.max].map((x) => (x === undefined ? 0 : numberOf(x)));
  let limit = Math.max(Math.abs(least), Math.abs(most)),
    negative = signed || least < 0;
  for (const numbers of arrays) {
    for (const x of numbers) {
      if (!Number.isFinite(x)) continue;
      limit = Math.max(limit, Math.abs(x));
      negative ||= x < 0;
    }
  }
  return { limit, signed: negative };
}

function colourOf(x, scale) {
  if (!Number.isFinite(x)) return MISSING;
  const share = scale.limit ? Math.max(-1, Math.min(1, x / scale.limit)) : 0;
  return mixed(
    scale.signed ? palettes.signed : palettes.sequential,
    scale.signed ? (share + 1) / 2 : Math.max(0, share),
  );
}

function mixed(anchors, share) {
  const place = share * (anchors.length - 1),
    low = Math.min(Math.floor(place), anchors.length - 2);
  const [from, to] = [anchors[low], anchors[low + 1]];
  return from.map((x, i) => Math.round(x + (to[i] - x) * (place - low)));
}

function channels(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/**
 * One matrix as a figure.
 *
 * `numbers` row by row; `grid` the axes of the data, of which `rows` and `columns` are read; `width` in pixels;
 * `label` says what it shows; `names` the texts of rows and columns, where they are known; `largest` how wide a cell
 * without its number is at most; `onread(row)` is told which row the reader points at.
 */
function heatMap({ numbers, grid, scale, width, label, names = {}, plain = false, largest = 18, onread = null }) {
  const [rows, columns] = [grid.rows.places.length, grid.columns.places.length];
  if (!rows || !columns) return paragraph("faint", words("noElements"));
  names = namesInSight(names, grid, width);
  const longest = (of) => Math.min(8, Math.max(...of.map((name) => [...name].length)));
  const sideRoom = names.rows ? longest(names.rows) * 6 + 6 : 0;
  const room = width - sideRoom;
  const written = !plain && room / columns >= NARROWEST_NUMBER && rows <= 16;
  const cellWidth = written ? Math.min(WIDEST_NUMBER, room / columns) : Math.min(largest, room / columns);
  const turned = !written && names.columns && longest(names.columns) > 1; // names that are wider than their cells
  const topRoom = !names.columns ? 0 : turned ? longest(names.columns) * 5.4 + 8 : 15;
  const cellHeight = written ? HIGHEST_NUMBER : Math.min(largest, Math.max(cellWidth, Math.min(5, LOWEST_MAP / rows)));
  const picture = vector("svg", {
    class: "cells",
    role: "img",
    tabindex: 0,
    width: sideRoom + cellWidth * columns,
    height: topRoom + cellHeight * rows,
    "aria-label": `${label}: ${described(numbers, rows, columns, names)}`,
  });
  const cells = vector("g", { transform: `translate(${sideRoom} ${topRoom})` });
  if (rows * columns > MOST_RECTANGLES) cells.append(pixels(numbers, rows, columns, scale, cellWidth, cellHeight));
  else {
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const x = numbers[row * columns + column];
        const colour = colourOf(x, scale);
        const [left, top] = [column * cellWidth, row * cellHeight];
        cells.append(vector("rect", { x: left, y: top, width: cellWidth, height: cellHeight, fill: `rgb(${colour})` }));
        if (written) cells.append(writtenIn(x, left + cellWidth / 2, top + cellHeight / 2, cellWidth, colour));
      }
    }
  }
  cells.append(
    vector("rect", {
      class: "frame",
      x: 0.5,
      y: 0.5,
      width: cellWidth * columns - 1,
      height: cellHeight * rows - 1,
    }),
  );
  const cursor = vector("rect", { class: "cursor", width: cellWidth, height: cellHeight });
  cells.append(cursor);
  picture.append(cells, ...texts(names, { cellWidth, cellHeight, sideRoom, topRoom, turned }));
  const reading = element("output", { class: "reading", "aria-live": "polite" });
  const read = (row, column) => {
    const inside = row >= 0 && row < rows && column >= 0 && column < columns;
    cursor.classList.toggle("visible", inside);
    if (!inside) return void (reading.textContent = "");
    cursor.setAttribute("x", column * cellWidth);
    cursor.setAttribute("y", row * cellHeight);
    const place = [names.rows?.[row] ?? grid.rows.places[row], names.columns?.[column] ?? grid.columns.places[column]];
    reading.textContent = `[${grid.rows.size > 1 ? `${place[0]}, ` : ""}${place[1]}] = ${shown(numbers[row * columns + column], 6)}`;
    onread?.(row);
  };
  followPointerAndKeys(picture, read, { cellWidth, cellHeight, sideRoom, topRoom, rows, columns });
  return element("figure", { class: "map" }, picture, reading);
}

/** The cells as one picture, a pixel each. */
function pixels(numbers, rows, columns, scale, cellWidth, cellHeight) {
  const canvas = element("canvas", { width: columns, height: rows });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let i = 0; i < numbers.length; i += 1) image.data.set([...colourOf(numbers[i], scale), 255], 4 * i);
  context.putImageData(image, 0, 0);
  const size = { width: cellWidth * columns, height: cellHeight * rows };
  return vector("image", { href: canvas.toDataURL(), preserveAspectRatio: "none", ...size });
}

/** The names of the rows and columns that are shown; none where they would lie on each other. */
function namesInSight({ rows, columns }, grid, width) {
  const legible = width / grid.columns.places.length >= NARROWEST_NAMED;
  const seen = (names, axis) => (names && legible ? axis.places.map((place) => names[place]) : undefined);
  return { rows: seen(rows, grid.rows), columns: seen(columns, grid.columns) };
}

function writtenIn(x, middle, height, width, colour) {
  return vector("text", { x: middle, y: height, fill: inkOn(colour), class: "number" }, fitting(x, width));
}

/** As many digits as fit into a cell. */
function fitting(x, width) {
  const room = Math.floor((width - 3) / 6.4);
  for (let digits = 4; digits > 1; digits -= 1) {
    const text = shown(x, digits);
    if (text.length <= room) return text;
  }
  return x.toExponential(0).replace("e+", "e").replaceAll("-", "−");
}

/** The names of rows at the left and of columns above, those of columns turned where they are wider than cells. */
function texts({ rows = [], columns = [] }, { cellWidth, cellHeight, sideRoom, topRoom, turned }) {
  const columnPlace = (column) => `translate(${sideRoom + (column + 0.5) * cellWidth} ${topRoom - (turned ? 4 : 7)})`;
  return [
    ...rows.map((name, row) =>
      vector(
        "text",
        { class: "token", x: sideRoom - 5, y: topRoom + (row + 0.5) * cellHeight, "text-anchor": "end" },
        shortened(name, 8),
      ),
    ),
    ...columns.map((name, column) =>
      vector(
        "text",
        {
          class: "token",
          "text-anchor": turned ? "start" : "middle",
          transform: columnPlace(column) + (turned ? " rotate(-60)" : ""),
        },
        shortened(name, 8),
      ),
    ),
  ];
}

function shortened(name, length) {
  const characters = [...name];
  return characters.length <= length ? name : `${characters.slice(0, length - 1).join("")}…`;
}

/** What someone who cannot see the colours gets: the numbers where they are few, otherwise their range. */
function described(numbers, rows, columns, names) {
  if (numbers.length <= 24) return words("fewNumbers", rows, columns, [...numbers].map((x) => shown(x)).join(", "));
  const finite = [...numbers].filter(Number.isFinite);
  const range = finite.length
    ? words("fromTo", shown(Math.min(...finite)), shown(Math.max(...finite)))
    : words("nothingFinite");
  return words("manyNumbers", rows, columns, range);
}

function followPointerAndKeys(picture, read, { cellWidth, cellHeight, sideRoom, topRoom, rows, columns }) {
  let row = 0;
  let column = 0;
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const share = box.width / picture.width.baseVal.value || 1;
    row = Math.floor(((event.clientY - box.top) / share - topRoom) / cellHeight);
    column = Math.floor(((event.clientX - box.left) / share - sideRoom) / cellWidth);
    read(row, column);
  });
  for (const end of ["pointerleave", "blur"]) picture.addEventListener(end, () => read(-1, -1));
  picture.addEventListener("keydown", (event) => {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // the page itself would take a step
    row = Math.max(0, Math.min(rows - 1, row + move[0]));
    column = Math.max(0, Math.min(columns - 1, column + move[1]));
    read(row, column);
  });
}

/** The colours of a scale, from its lowest to its highest number. */
function scaleBar(scale) {
  const low = scale.signed ? -scale.limit : 0;
  const steps = Array.from({ length: 48 }, (_, i) => low + ((scale.limit - low) * (i + 0.5)) / 48);
  return paragraph(
    "scale",
    shown(low, 3),
    vector(
      "svg",
      { viewBox: "0 0 96 8", preserveAspectRatio: "none", width: 96, height: 8, "aria-hidden": "true" },
      steps.map((x, i) => vector("rect", { x: i * 2, width: 2.2, height: 8, fill: `rgb(${colourOf(x, scale)})` })),
    ),
    shown(scale.limit, 3),
  );
}

/** What the colours of a scale mean, in one word. */
function rangeOf(scale) {
  return scale.signed ? `±${shown(scale.limit, 3)}` : `0 … ${shown(scale.limit, 3)}`;
}

/** How many elements are in each of equal bins. */
function histogram(counts, low, high) {
  const most = Math.max(...counts);
  const width = 96;
  const height = 30;
  const step = width / counts.length;
  return element(
    "figure",
    { class: "histogram" },
    vector(
      "svg",
      {
        width,
        height,
        role: "img",
        "aria-label": words("histogram", counts.length, shown(low), shown(high), counts.join(", ")),
      },
      counts.map((count, i) =>
        vector("rect", {
          x: i * step + 0.5,
          width: step - 1,
          y: height - Math.max(count ? 1.5 : 0, (count / most) * (height - 1)),
          height: Math.max(count ? 1.5 : 0, (count / most) * (height - 1)),
        }),
      ),
    ),
    element("figcaption", { "aria-hidden": "true" }, span("", shown(low, 3)), span("", shown(high, 3))),
  );
}

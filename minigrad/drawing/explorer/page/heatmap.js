// Arrays as coloured squares, with their numbers where there is room.

let palettes = null; // colours at equal distances, from Python: `signed` and `sequential`
const MISSING = [205, 205, 205];
const NARROWEST_NUMBER = 46;
const HIGHEST_NUMBER = 21;
const WIDEST_NUMBER = 58; // pixels of a cell with its number in it

/** The scale for some arrays: from 0, or from −limit where there are negative numbers or `signed` asks for it. */
function scaleFor(arrays, signed = false) {
  let limit = 0,
    negative = signed;
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
  const [from, to] = [channels(anchors[low]), channels(anchors[low + 1])];
  return from.map((x, i) => Math.round(x + (to[i] - x) * (place - low)));
}

function channels(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/**
 * One matrix as a figure.
 *
 * `numbers` row by row; `grid` the axes of the data: [slices, rows, columns], each [size, stride]; `width` in pixels;
 * `label` says what it shows; `names` the texts of rows and columns, where they are known; `largest` how wide a cell
 * without its number is at most.
 */
function heatMap({ numbers, grid, scale, width, label, names = {}, plain = false, largest = 18 }) {
  const [, [rowSize, rowStride], [columnSize, columnStride]] = grid;
  const rows = Math.ceil(rowSize / rowStride);
  const columns = Math.ceil(columnSize / columnStride);
  if (!rows || !columns) return paragraph("faint", "no elements");
  const longest = (of) => Math.min(8, Math.max(...of.map((name) => [...name].length)));
  const sideRoom = names.rows ? longest(names.rows) * 6 + 6 : 0;
  const room = width - sideRoom;
  const written = !plain && room / columns >= NARROWEST_NUMBER && rows <= 16;
  const cellWidth = written ? Math.min(WIDEST_NUMBER, room / columns) : Math.min(largest, room / columns);
  const turned = !written && names.columns && longest(names.columns) > 1; // names that are wider than their cells
  const topRoom = !names.columns ? 0 : turned ? longest(names.columns) * 5.4 + 8 : 15;
  const cellHeight = written ? HIGHEST_NUMBER : Math.min(largest, Math.max(cellWidth, 5));
  const picture = vector("svg", {
    class: "cells",
    role: "img",
    tabindex: 0,
    width: sideRoom + cellWidth * columns,
    height: topRoom + cellHeight * rows,
    "aria-label": `${label}: ${described(numbers, rows, columns, names)}`,
  });
  const cells = vector("g", { transform: `translate(${sideRoom} ${topRoom})` });
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const x = numbers[row * columns + column];
      const colour = colourOf(x, scale);
      cells.append(
        vector("rect", {
          x: column * cellWidth,
          y: row * cellHeight,
          width: cellWidth,
          height: cellHeight,
          fill: `rgb(${colour})`,
        }),
      );
      if (written) cells.append(writtenIn(x, (column + 0.5) * cellWidth, (row + 0.5) * cellHeight, cellWidth, colour));
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
  picture.append(cells, ...texts(names, { cellWidth, cellHeight, sideRoom, topRoom, turned, rowStride, columnStride }));
  const reading = element("output", { class: "reading", "aria-live": "polite" });
  const read = (row, column) => {
    const inside = row >= 0 && row < rows && column >= 0 && column < columns;
    cursor.classList.toggle("visible", inside);
    if (!inside) return void (reading.textContent = "");
    cursor.setAttribute("x", column * cellWidth);
    cursor.setAttribute("y", row * cellHeight);
    const place = [
      names.rows?.[row * rowStride] ?? row * rowStride,
      names.columns?.[column * columnStride] ?? column * columnStride,
    ];
    reading.textContent = `[${rowSize > 1 ? `${place[0]}, ` : ""}${place[1]}] = ${shown(numbers[row * columns + column], 6)}`;
  };
  followPointerAndKeys(picture, cells, read, cellWidth, cellHeight, sideRoom, topRoom);
  return element("figure", { class: "map" }, picture, reading);
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
function texts(names, { cellWidth, cellHeight, sideRoom, topRoom, turned, rowStride, columnStride }) {
  const rows = (names.rows ?? []).filter((_, i) => i % rowStride === 0);
  const columns = (names.columns ?? []).filter((_, i) => i % columnStride === 0);
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
  if (numbers.length <= 24) return `${rows} by ${columns}: ${[...numbers].map((x) => shown(x)).join(", ")}`;
  const finite = [...numbers].filter(Number.isFinite);
  const range = finite.length
    ? `from ${shown(Math.min(...finite))} to ${shown(Math.max(...finite))}`
    : "nothing finite";
  return `${rows} by ${columns} numbers ${range}; arrow keys read them one by one`;
}

function followPointerAndKeys(picture, cells, read, cellWidth, cellHeight, sideRoom, topRoom) {
  let row = 0;
  let column = 0;
  const rowsIn = Math.round((picture.height.baseVal.value - topRoom) / cellHeight);
  const columnsIn = Math.round((picture.width.baseVal.value - sideRoom) / cellWidth);
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
    row = Math.max(0, Math.min(rowsIn - 1, row + move[0]));
    column = Math.max(0, Math.min(columnsIn - 1, column + move[1]));
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
      { width: 96, height: 8, "aria-hidden": "true" },
      steps.map((x, i) => vector("rect", { x: i * 2, width: 2.2, height: 8, fill: `rgb(${colourOf(x, scale)})` })),
    ),
    shown(scale.limit, 3),
  );
}

/** What the colours of a scale mean, in one word. */
function rangeOf(scale) {
  return scale.signed ? `±${shown(scale.limit, 3)}` : `0 to ${shown(scale.limit, 3)}`;
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
        "aria-label": `Histogram in ${counts.length} bins from ${shown(low)} to ${shown(high)}: ${counts.join(", ")}`,
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

// Attention in the panel: queries by keys, one head large with the row of one token, all heads small.

const HEAD_WIDTH = 166; // pixels, of a small map

/** Queries by keys for each head, with the gradient beside it. */
function attentionSection(page, node, taken) {
  const { graph } = page;
  if (taken && node.computed >= taken) return section(words("queriesKeys"), paragraph("faint", words("notYet")));
  const values = numbersOf(graph, node.value);
  const complete = node.gradient === undefined ? null : numbersOf(graph, node.gradient);
  const gradients = taken && node.written.length ? accumulated(graph, node, taken).sum : complete;
  const scale = valueScale(node, values);
  const gradientScale = gradients && scaleFor([gradients], true, node.gradientStatistics);
  const { places } = node.grid.slices;
  const named = node.name ?? words("value");
  const headOf = (i) => {
    const part = [(i * values.length) / places.length, ((i + 1) * values.length) / places.length];
    return {
      title: headTitle(node, places[i]),
      values: values.subarray(...part),
      gradients: gradients?.subarray(...part) ?? null,
    };
  };
  const small = (head, of, what) =>
    heatMap({
      numbers: head[of],
      grid: node.grid,
      scale: of === "values" ? scale : gradientScale,
      width: HEAD_WIDTH,
      plain: true,
      names: namesFor(graph, node),
      label: `${what}, ${head.title}`,
    });
  const large = block("head-large");
  const choose = (i) => {
    page.head = i;
    large.replaceChildren(...largeHead(page, node, headOf(i), { scale, gradientScale, named }));
    for (const [at, chooser] of choosers.entries()) chooser.setAttribute("aria-pressed", String(at === i));
  };
  const choosers = places.map((_, i) =>
    button(headOf(i).title, () => choose(i), { class: "link", "aria-pressed": "false" }),
  );
  choose(Math.min(page.head ?? 0, places.length - 1));
  return section(
    words("queriesKeys"),
    large,
    block(
      "head-row head-titles",
      block("", element("b", {}, named), scaleBar(scale)),
      gradients
        ? block("", element("b", {}, words("gradient")), scaleBar(gradientScale))
        : paragraph(
            "faint",
            node.written.length ? words("gradientNothingYet") : words("gradientNone", reasonOf(graph, node)),
          ),
    ),
    places.map((_, i) =>
      block(
        "head-row",
        element("h4", {}, choosers[i]),
        small(headOf(i), "values", named),
        gradients ? small(headOf(i), "gradients", words("gradient")) : null,
      ),
    ),
    underMap(node, scale, []),
    block(
      "pair",
      statisticsOf({ ...node.statistics, histogram: undefined }),
      gradients === complete && statisticsOf({ ...node.gradientStatistics, histogram: undefined }),
    ),
    originButton(page, node),
  );
}

/** One head as large as the panel, and for the token that the reader points at how much it takes from each. */
function largeHead(page, node, head, { scale, gradientScale, named }) {
  const names = namesFor(page.graph, node);
  const strip = tokenStrip(node, head, names, scale);
  const map = (numbers, of, what) =>
    heatMap({
      numbers,
      grid: node.grid,
      scale: of,
      width: MAP_WIDTH,
      names,
      label: `${what}, ${head.title}`,
      onread: strip.read,
    });
  return [
    element("h4", {}, `${named}, ${head.title}`),
    map(head.values, scale, named),
    strip.element,
    ...(head.gradients
      ? [
          element("h4", {}, `${words("gradient")}, ${head.title}`),
          map(head.gradients, gradientScale, words("gradient")),
        ]
      : []),
  ];
}

/** The tokens as a line of text; pointing at one colours all by how much it takes from each. */
function tokenStrip(node, { values }, names, scale) {
  const { rows, columns } = node.grid;
  const nameOfColumn = (place) => names.columns?.[place] ?? String(place);
  const nameOfRow = (place) => names.rows?.[place] ?? String(place);
  const sentence = paragraph("faint small");
  const row = (r) => values.subarray(r * columns.places.length, (r + 1) * columns.places.length);
  const read = (r) => {
    const taken = row(r);
    tokens.forEach((token, i) => {
      const colour = colourOf(taken[i], scale);
      token.style.background = `rgb(${colour})`;
      token.style.color = inkOn(colour);
      token.classList.toggle("asking", rows.size === columns.size && i === r);
    });
    const most = [...taken.keys()].sort((a, b) => taken[b] - taken[a]).slice(0, 4);
    const list = most.map((i) => `${quoted(nameOfColumn(columns.places[i]))} ${shown(taken[i], 3)}`);
    sentence.textContent = words(
      "takesFromTokens",
      quoted(nameOfRow(rows.places[r])),
      rows.places[r],
      list.join(words("comma")),
    );
  };
  const point = (i) => rows.size === columns.size && i < rows.places.length && read(i);
  const tokens = columns.places.map((place, i) =>
    element(
      "button",
      {
        type: "button",
        class: "token-button",
        onclick: () => point(i),
        onpointerenter: () => point(i),
        onfocus: () => point(i),
      },
      visible(nameOfColumn(place)),
    ),
  );
  read(rows.places.length - 1);
  return { read, element: block("strip", paragraph("tokens", tokens), sentence) };
}

/** A token that is only blank space, made visible. */
function visible(token) {
  return token.trim() ? token : token.replaceAll("\n", "↵").replaceAll(" ", "␣") || "∅";
}

const quoted = (token) => `“${visible(token)}”`;

function headTitle(node, index) {
  const lengths = node.shape.slice(1, -1).split(",").map(Number).slice(0, -2);
  const place = [];
  if (!lengths.length) return words("oneHead");
  for (let i = lengths.length - 1, left = index; i >= 0; i -= 1) {
    place.unshift(left % lengths[i]);
    left = Math.floor(left / lengths[i]);
  }
  return lengths.length === 1
    ? words("head", index)
    : lengths.length === 2
      ? words("sequenceHead", place[0], place[1])
      : `[${place.join(", ")}]`;
}

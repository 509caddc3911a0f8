// Attention in the panel: queries by keys, head by head.

/** Queries by keys for each head, with the gradient beside it. */
function attentionSection(page, node, taken) {
  const { graph } = page;
  if (taken && node.computed >= taken)
    return section("Queries × keys", paragraph("faint", "Not computed yet at this step."));
  const values = numbersOf(graph, node.value);
  const complete = node.gradient === undefined ? null : numbersOf(graph, node.gradient);
  const gradients = taken && node.written.length ? accumulated(graph, node, taken).sum : complete;
  const scale = valueScale(node, values);
  const gradientScale = gradients && scaleFor([gradients], true);
  const [[slices, sliceStride], rows, columns] = node.grid;
  const count = Math.ceil(slices / sliceStride);
  const size = values.length / (count || 1);
  const names = namesFor(graph, node);
  const width = names.rows || names.columns ? 172 : 166;
  const heads = Array.from({ length: count }, (_, i) => {
    const title = headTitle(node, i * sliceStride);
    const part = [i * size, (i + 1) * size];
    const map = (numbers, of, what) =>
      heatMap({
        numbers: numbers.subarray(...part),
        grid: [[1, 1], rows, columns],
        scale: of,
        width,
        plain: true,
        names,
        label: `${what}, ${title}`,
      });
    return block(
      "head-row",
      element("h4", {}, title),
      map(values, scale, node.name ?? "value"),
      gradients ? map(gradients, gradientScale, "gradient") : null,
    );
  });
  return section(
    "Queries × keys",
    block(
      "head-row head-titles",
      block("", element("b", {}, node.name ?? "value"), scaleBar(scale)),
      gradients
        ? block("", element("b", {}, "gradient"), scaleBar(gradientScale))
        : paragraph(
            "faint",
            node.written.length ? "gradient: nothing has arrived yet" : `gradient: none, ${reasonOf(graph, node)}`,
          ),
    ),
    heads,
    underMap(node, scale, []),
    block(
      "pair",
      statisticsOf({ ...node.statistics, histogram: undefined }),
      gradients === complete && statisticsOf({ ...node.gradientStatistics, histogram: undefined }),
    ),
  );
}

function headTitle(node, index) {
  const lengths = node.shape.slice(1, -1).split(",").map(Number).slice(0, -2);
  const place = [];
  if (!lengths.length) return "one head";
  for (let i = lengths.length - 1, left = index; i >= 0; i -= 1) {
    place.unshift(left % lengths[i]);
    left = Math.floor(left / lengths[i]);
  }
  return lengths.length === 1
    ? `head ${index}`
    : lengths.length === 2
      ? `sequence ${place[0]}, head ${place[1]}`
      : `[${place.join(", ")}]`;
}

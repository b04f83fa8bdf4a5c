/** Weights in documents have at most so many decimals. */
const DECIMALS = 4

/**
 * Turns weights with fractions into the whole numbers that Envoy takes, without changing their ratio: 0.5 and 99.5
 * become 5 and 995. Where none is given all are equal; some given and some not is an error that is found before.
 */
export function scaleWeights(weights: readonly (number | undefined)[]): readonly number[] {
  const given = weights.map((weight) => weight ?? 1)
  const decimals = Math.max(...given.map(decimalsOf))
  return given.map((weight) => Math.round(weight * 10 ** decimals))
}

function decimalsOf(weight: number): number {
  for (let decimals = 0; decimals < DECIMALS; decimals++) {
    const scaled = weight * 10 ** decimals
    if (Math.abs(scaled - Math.round(scaled)) < 1e-9 * Math.max(1, scaled)) return decimals
  }
  return DECIMALS
}

/** Weights in documents have at most so many decimals. */
const DECIMALS = 4

/** Largest sum of weights that is given out: below Envoy's bound of 2³²−1, with room for rounding up. */
const LARGEST_SUM = 2 ** 31

/**
 * Turns weights with fractions into the whole numbers that Envoy takes, without changing their ratio: 0.5 and 99.5
 * become 5 and 995. Where none is given all are equal; some given and some not is an error that is found before. Only
 * weights so large that Envoy would refuse their sum are rounded; what was above zero stays so.
 */
export function scaleWeights(weights: readonly (number | undefined)[]): readonly number[] {
  const given = weights.map((weight) => weight ?? 1)
  const decimals = Math.max(0, ...given.map(decimalsOf))
  const scaled = given.map((weight) => Math.round(weight * 10 ** decimals))
  const sum = scaled.reduce((total, weight) => total + weight, 0)
  if (sum <= LARGEST_SUM) return scaled
  return scaled.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.floor((weight / sum) * LARGEST_SUM))))
}

function decimalsOf(weight: number): number {
  for (let decimals = 0; decimals < DECIMALS; decimals++) {
    const scaled = weight * 10 ** decimals
    if (Math.abs(scaled - Math.round(scaled)) < 1e-9 * Math.max(1, scaled)) return decimals
  }
  return DECIMALS
}

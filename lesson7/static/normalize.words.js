// What the explorer says about its state: headline, formulas, results and code.

import { pythonFloat } from "./code.js";
import { fraction, identifier, mathText, operator, subscript } from "./live.js";
import { shownNumber, statistic } from "./normalize.controls.js";
import { CHANNELS } from "./normalize.math.js";
import { BEGINNINGS, MOMENTS, three } from "./normalize.state.js";

/** @import { Formula, LiveNode } from "./live.js" */
/** @import { State } from "./normalize.state.js" */
/** @import { Result } from "./pin.js" */

const LARGEST_OWN_MEAN = 1; // where all are above it, `normalize` takes them for those of bytes

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
export function headline({ kind, channel, after }) {
  const [mean, sd] = MOMENTS.map((moment) => {
    const scrub = `after.${moment}.${channel}`;
    return shownNumber(moment, after[channel][moment], `after.${channel}`, scrub);
  });
  const beginning = `${BEGINNINGS[kind]}, this batch has mean `;
  return [beginning, mean, " and sd ", sd, ` in ${CHANNELS[channel]}`];
}

/** @returns {Formula<State>[]} */
export function formulas() {
  const [minus, equals] = ["−", "="].map(operator);
  const comma = mathText(",\u2003");
  const [x, z, mean, sd] = ["x", "z", "μ", "σ"].map(identifier);
  const [meanX, meanZ] = [x, z].map((letter) => {
    return { tag: "mover", children: [letter, operator("¯")] };
  });
  const [sdX, sdZ] = [x, z].map((letter) => subscript(identifier("s"), letter));

  return [
    {
      symbols: [z, equals, fraction([x, minus, mean], [sd])],
      spoken: "z is x minus mu, divided by sigma",
      numbers(state) {
        const { channel, values, normalize } = state;
        const value = values[channel];
        const before = shownNumber("x", value, `x.${channel}`);
        const after = shownNumber("z", normalize[channel](value), `z.${channel}`);
        const [used, usedSd] = [0, 1].map((m) => statistic(state, m, channel, MOMENTS[m]));
        return [equals, fraction([before, minus, used], [usedSd]), equals, after];
      },
    },
    {
      symbols: [
        ...[meanZ, equals, fraction([meanX, minus, mean], [sd]), comma],
        ...[sdZ, equals, fraction([sdX], [sd])],
      ],
      spoken:
        "the mean of z is the mean of x minus mu, divided by sigma; " +
        "the sd of z is the sd of x divided by sigma",
      numbers(state) {
        const { channel, before, after } = state;
        const [own, ownSd, result, resultSd] = [before, after].flatMap((all, i) => {
          const when = ["before", "after"][i];
          return MOMENTS.map((moment) => {
            return shownNumber(`${moment} ${when}`, all[channel][moment], `${when}.${channel}`);
          });
        });
        const [used, usedSd] = [0, 1].map((m) => statistic(state, m, channel, MOMENTS[m]));
        const again = { ...usedSd, name: "sd again" };
        return [
          ...[equals, fraction([own, minus, used], [usedSd]), equals, result, comma],
          ...[fraction([ownSd], [again]), equals, resultSd],
        ];
      },
    },
  ];
}

/**
 * What a pin compares.
 * @param {State} state
 * @returns {Result[]}
 */
export function results({ after }) {
  return CHANNELS.flatMap((name, c) => {
    return MOMENTS.map((moment) => {
      return { name: `${name}: ${moment} after`, value: after[c][moment], format: three };
    });
  });
}

/** @param {State} state */
export function codeValues({ kind, images, statistics }) {
  const [mean, sd] = statistics.map((numbers) => `[${numbers.map(pythonFloat).join(", ")}]`);
  const isLarge = kind === "own" && Math.min(...statistics[0]) > LARGEST_OWN_MEAN;
  const values = { images: `[${images.join(", ")}]`, mean, sd };
  return { template: isLarge ? "large" : kind, values };
}

/** @param {{ mean: number[], std: number[] }} statistics */
export function describeStatistics({ mean, std }) {
  /** @param {number[]} values of the channels */
  function listed(values) {
    const texts = values.map(three);
    return texts.every((text) => text === texts[0]) ? texts[0] : texts.join(", ");
  }
  return `mean ${listed(mean)}, sd ${listed(std)}`;
}

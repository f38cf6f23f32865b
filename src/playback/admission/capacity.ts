// The machine's encoding capacity and the cost of an encode: measured in work, or as one of a fixed number of encodes of any size.

export type Capacity = {
  readonly total: number;
  readonly unit: 'encodes' | 'work';
  /** @param work of the encode for a second of film (`encodeWork`) */
  readonly costOf: (work: number) => number;
};

export const countedCapacity = (encodes: number): Capacity => ({ total: encodes, unit: 'encodes', costOf: () => 1 });

export const workCapacity = (total: number): Capacity => ({ total: Math.round(total), unit: 'work', costOf: work => work });

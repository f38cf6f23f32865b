// What the machine can encode at once, and what an encode takes of it: its work, or one of so many encodes whatever their size.

export type Capacity = {
  readonly total: number;
  /** @param work of the encode for a second of film (`encodeWork`) */
  readonly costOf: (work: number) => number;
};

export const countedCapacity = (encodes: number): Capacity => ({ total: encodes, costOf: () => 1 });

export const workCapacity = (total: number): Capacity => ({ total: Math.round(total), costOf: work => work });

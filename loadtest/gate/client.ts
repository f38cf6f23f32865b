// A client in a process of its own, so that its cost is in no measurement: a number of requests for one address, then its end.
// usage: node gate-client.ts <address> <requests> <connections>
import { LeanConnection } from '../client/lean-connection.ts';

const [, , address = '', requests = '', connections = ''] = process.argv;
const { origin, pathname } = new URL(address);
let left = Number(requests);

const oneByOne = async (connection: LeanConnection): Promise<void> => {
  while (left-- > 0) {
    const { status } = await connection.send(pathname);
    if (status !== 200) throw new Error(`the server answered ${status}`);
  }
  connection.close();
};

await Promise.all(Array.from({ length: Number(connections) }, () => oneByOne(new LeanConnection(origin))));

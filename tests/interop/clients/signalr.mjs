// @microsoft/signalr: both hubs, with its own negotiation and its own reconnect. Orders go by plain POST.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { HubConnectionBuilder, LogLevel } = createRequire(process.cwd() + "/")("@microsoft/signalr");
const { INTEROP_URL: url, INTEROP_USER: userName, INTEROP_KEY: apiKey } = process.env;
const say = (step) => console.log(JSON.stringify({ step }));
let token = "";

async function post(path, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const reply = await fetch(`${url}/api/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await reply.json();
  if (!answer.success) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer;
}

async function until(asked, what) {
  const end = Date.now() + 45_000;
  while (!(await asked())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function hub(name, targets, subscribe) {
  const counts = Object.fromEntries(targets.map((target) => [target, 0]));
  const connection = new HubConnectionBuilder()
    .withUrl(`${url}/hubs/${name}`, { accessTokenFactory: () => token })
    .withAutomaticReconnect()
    .configureLogging(LogLevel.None)
    .build();
  for (const target of targets) connection.on(target, () => (counts[target] += 1));
  connection.onreconnected(() => subscribe(connection));
  return { connection, counts, start: () => connection.start().then(() => subscribe(connection)) };
}

token = (await post("Auth/loginKey", { userName, apiKey })).token;
const accountId = (await post("Account/search", { onlyActiveAccounts: true })).accounts[0].id;
say("login");
const found = (await post("Contract/search", { searchText: "MNQ", live: false })).contracts;
const contractId = found.sort((a, b) => a.name.localeCompare(b.name))[0].id;
say("search");
const market = hub("market", ["GatewayQuote", "GatewayTrade", "GatewayDepth"], async (connection) => {
  for (const stream of ["Quotes", "Trades", "MarketDepth"]) {
    await connection.invoke(`SubscribeContract${stream}`, contractId);
  }
});
const user = hub("user", ["GatewayUserOrder", "GatewayUserTrade", "GatewayUserPosition", "GatewayUserAccount"],
  async (connection) => {
    for (const stream of ["Orders", "Trades", "Positions"]) await connection.invoke(`Subscribe${stream}`, accountId);
    await connection.invoke("SubscribeAccounts");
  });
await market.start();
await until(() => Object.values(market.counts).every((count) => count > 0), "every market stream is heard");
say("market hub");
await user.start();
const order = { accountId, contractId, type: 2, side: 0, size: 1, stopLossBracket: { ticks: -400, type: 4 } };
await post("Order/place", order);
await until(() => Object.values(user.counts).every((count) => count > 0), "every user stream is heard");
say("user hub");
say("drop the hubs");
await new Promise((resolve) => createInterface({ input: process.stdin }).once("line", resolve));
for (const { counts } of [market, user]) for (const key of Object.keys(counts)) counts[key] = 0;
await until(() => market.counts.GatewayQuote > 0, "the market is heard again");
await until(() => user.connection.state === "Connected", "the user hub is connected again");
await post("Order/place", { ...order, side: 1, stopLossBracket: null });
await until(() => user.counts.GatewayUserTrade > 0, "the user hub tells of trades again");
say("reconnect");
await Promise.all([market.connection.stop(), user.connection.stop()]);
process.exit(0);

// A worker over HTTP with Node alone: `node plain_node.mjs`, FOLDGATE_URL, FOLDGATE_API_KEY.
const url = (process.env.FOLDGATE_URL ?? "http://127.0.0.1:8081") + "/api/v1";
const headers = { "X-API-Key": process.env.FOLDGATE_API_KEY ?? "" };

async function post(path, body) {
  const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text()); // it says what was wrong, and what to do
  return answer.json();
}

const me = await post("/workers", { name: "plain-node", max_parallel: 4, topics: ["job.echo"] });
const token = me.token;
const holding = new Set();
const beat = () =>
  post(`/workers/${me.worker}/heartbeat`, { token, holding: [...holding] }).catch((error) => console.error(error));
setInterval(beat, me.beat_every_ms);

async function work(job) {
  holding.add(job.lease);
  try {
    await post(`/jobs/${job.job_id}/start`, { token: job.lease_token });
    await post(`/jobs/${job.job_id}/complete`, { token: job.lease_token, output: { said: job.input } });
  } catch (error) {
    console.error(error.message);
  } finally {
    holding.delete(job.lease);
  }
}

for (;;) {
  const { jobs } = await post(`/workers/${me.worker}/lease`, { token, n: 4, wait: 20 });
  jobs.forEach(work);
}

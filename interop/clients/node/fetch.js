// Node's own fetch; a URLSearchParams body sends "application/x-www-form-urlencoded;charset=UTF-8".
'use strict';

const { basic, flow } = require('./flow');

flow(async (url, form) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: basic },
    body: new URLSearchParams(form),
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, body: await response.text() };
});

// The NodeJS form of the token request: the package `request` and its `form` option.
'use strict';

const request = require('request');
const { basic, flow } = require('./flow');

flow((url, form) => new Promise((resolve, reject) => {
  const options = {
    method: 'POST',
    url,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: basic },
    form,
    timeout: 10_000,
  };
  request(options, (error, response) => {
    if (error) reject(error);
    else resolve({ status: response.statusCode, body: response.body });
  });
}));

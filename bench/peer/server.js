// A minimal oidc-provider with CIBA in poll mode and its in-memory adapter. It is measured by the
// same generator, pinned to the same core, to show what a general-purpose server does.

import Provider from 'oidc-provider';

const port = Number(process.argv[2]);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'bench',
    client_secret: 'bench-secret-bench-secret-bench-secret-bench',
    redirect_uris: [],
    response_types: [],
    grant_types: ['urn:openid:params:grant-type:ciba'],
    backchannel_token_delivery_mode: 'poll',
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  features: {
    devInteractions: { enabled: false },
    ciba: {
      enabled: true,
      deliveryModes: ['poll'],
      processLoginHint: async (ctx, loginHint) => loginHint,
      triggerAuthenticationDevice: async () => {},
      validateBindingMessage: async () => {},
      validateRequestContext: async () => {},
      verifyUserCode: async () => {},
    },
  },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  ttl: { BackchannelAuthenticationRequest: 600 },
});

provider.listen(port, '127.0.0.1', () => console.log('ready'));

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.ClientSecretJWT;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.ciba.CIBAGrant;
import com.nimbusds.oauth2.sdk.ciba.CIBARequest;
import com.nimbusds.oauth2.sdk.ciba.CIBARequestAcknowledgement;
import com.nimbusds.oauth2.sdk.ciba.CIBAResponse;
import com.nimbusds.oauth2.sdk.ciba.LoginHintToken;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.AccessTokenValidator;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;

/** Runs CIBA against Assent with the OAuth 2.0 and OpenID Connect SDK of Nimbus, unmodified. */
class Ciba {
  static final String BASE = System.getenv("authPath") + "/" + System.getenv("envID");
  static final Issuer ISSUER = new Issuer(BASE + "/as");
  static final HttpClient HTTP =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
  static OIDCProviderMetadata metadata;

  /** Makes the authentication of one request: an assertion is meant to be used once. */
  interface Authentication extends Callable<ClientAuthentication> {}

  interface Case {
    void run() throws Exception;
  }

  static ClientID client(String name) {
    return new ClientID(System.getenv(name));
  }

  static Secret secret(String name) {
    return new Secret(System.getenv(name));
  }

  static PrivateKey key(String file, String kind) throws Exception {
    String pem = Files.readString(Path.of(System.getenv(file)));
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]*-----", ""));
    return KeyFactory.getInstance(kind).generatePrivate(new PKCS8EncodedKeySpec(der));
  }

  static Authentication privateKey(
      String client, String file, String kid, String kind, JWSAlgorithm algorithm) {
    return () ->
        new PrivateKeyJWT(
            client(client),
            metadata.getTokenEndpointURI(),
            algorithm,
            key(file, kind),
            System.getenv(kid),
            null);
  }

  static HTTPResponse send(HTTPRequest request) throws Exception {
    request.setConnectTimeout(10_000);
    request.setReadTimeout(10_000);
    return request.send();
  }

  static void check(boolean holds, Object otherwise) {
    if (!holds) {
      throw new IllegalStateException(String.valueOf(otherwise));
    }
  }

  static CIBARequest.Builder asking(Authentication by, String... scope) throws Exception {
    return new CIBARequest.Builder(by.call(), new Scope(scope))
        .endpointURI(metadata.getBackChannelAuthenticationEndpointURI());
  }

  static CIBARequestAcknowledgement start(CIBARequest.Builder asked) throws Exception {
    CIBAResponse response = CIBAResponse.parse(send(asked.build().toHTTPRequest()));
    check(response.indicatesSuccess(), response);
    return response.toRequestAcknowledgement();
  }

  static TokenResponse token(Authentication by, AuthorizationGrant grant) throws Exception {
    var request = new TokenRequest.Builder(metadata.getTokenEndpointURI(), by.call(), grant).build();
    return OIDCTokenResponseParser.parse(send(request.toHTTPRequest()));
  }

  static void refused(TokenResponse response, String error) {
    check(!response.indicatesSuccess(), "not refused");
    String got = response.toErrorResponse().getErrorObject().getCode();
    check(error.equals(got), got + " instead of " + error);
  }

  static void answer(CIBARequestAcknowledgement started, String action) throws Exception {
    String query = "?auth_req_id=" + started.getAuthRequestID().getValue() + "&action=" + action;
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(BASE + "/simulator/answer" + query))
            .timeout(Duration.ofSeconds(10))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    int status = HTTP.send(request, BodyHandlers.discarding()).statusCode();
    check(status == 204, status);
  }

  static void pause(CIBARequestAcknowledgement started) throws Exception {
    Thread.sleep(started.getMinWaitInterval() * 1000L + 200);
  }

  static IDTokenClaimsSet verify(ClientID client, OIDCTokens tokens) throws Exception {
    var jwks = metadata.getJWKSetURI().toURL();
    var identity =
        new IDTokenValidator(ISSUER, client, JWSAlgorithm.RS256, jwks)
            .validate(tokens.getIDToken(), null);
    check(identity.getAccessTokenHash() != null, "no at_hash");
    AccessTokenValidator.validate(
        tokens.getAccessToken(), JWSAlgorithm.RS256, identity.getAccessTokenHash());

    var processor = new DefaultJWTProcessor<SecurityContext>();
    processor.setJWSTypeVerifier(
        new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
    processor.setJWSKeySelector(
        new JWSVerificationKeySelector<>(
            JWSAlgorithm.RS256, JWKSourceBuilder.<SecurityContext>create(jwks).build()));
    processor.setJWTClaimsSetVerifier(
        new DefaultJWTClaimsVerifier<>(
            new JWTClaimsSet.Builder()
                .issuer(ISSUER.getValue())
                .subject(identity.getSubject().getValue())
                .claim("client_id", client.getValue())
                .build(),
            Set.of("aud", "exp", "iat", "jti", "scope")));
    processor.process(tokens.getAccessToken().getValue(), null);
    return identity;
  }

  /** From the request to verified tokens, with one poll before the answer. */
  static OIDCTokens tokens(Authentication by, CIBARequest.Builder asked) throws Exception {
    var started = start(asked);
    var grant = new CIBAGrant(started.getAuthRequestID());
    refused(token(by, grant), "authorization_pending");
    answer(started, "allow");
    pause(started);
    TokenResponse response = token(by, grant);
    check(response.indicatesSuccess(), response);
    OIDCTokens tokens = ((OIDCTokenResponse) response).getOIDCTokens();
    verify(by.call().getClientID(), tokens);
    return tokens;
  }

  public static void main(String[] args) throws Exception {
    String hint = System.getenv("cibaHint");
    metadata = OIDCProviderMetadata.resolve(ISSUER);

    Map<String, Authentication> methods = new LinkedHashMap<>();
    Authentication basic = () -> new ClientSecretBasic(client("appID"), secret("appSecret"));
    methods.put("client_secret_basic", basic);
    methods.put(
        "client_secret_post",
        () -> new ClientSecretPost(client("postAppID"), secret("postAppSecret")));
    methods.put(
        "client_secret_jwt",
        () ->
            new ClientSecretJWT(
                client("secretJwtAppID"),
                metadata.getTokenEndpointURI(),
                JWSAlgorithm.HS256,
                secret("secretJwtAppSecret")));
    methods.put(
        "private_key_jwt, ES256",
        privateKey(
            "privateKeyAppID", "privateKeyFile", "privateKeyKid", "EC", JWSAlgorithm.ES256));
    methods.put(
        "private_key_jwt, PS256",
        privateKey("rsaKeyAppID", "rsaKeyFile", "rsaKeyKid", "RSA", JWSAlgorithm.PS256));

    Map<String, Case> cases = new LinkedHashMap<>();
    methods.forEach(
        (name, by) ->
            cases.put(
                name + ": tokens, refresh",
                () -> {
                  OIDCTokens first =
                      tokens(
                          by,
                          asking(by, "openid", "offline_access")
                              .loginHint(hint)
                              .bindingMessage("PAY-4711"));
                  check(first.getRefreshToken() != null, "no refresh_token");
                  TokenResponse again = token(by, new RefreshTokenGrant(first.getRefreshToken()));
                  check(again.indicatesSuccess(), again);
                  verify(by.call().getClientID(), ((OIDCTokenResponse) again).getOIDCTokens());
                }));
    cases.put(
        "id_token_hint",
        () -> {
          OIDCTokens first = tokens(basic, asking(basic, "openid").loginHint(hint));
          tokens(basic, asking(basic, "openid").idTokenHint(first.getIDToken()));
        });
    cases.put(
        "login_hint_token",
        () -> {
          Date now = Date.from(Instant.now());
          var claims =
              new JWTClaimsSet.Builder()
                  .issuer(client("appID").getValue())
                  .audience(ISSUER.getValue())
                  .subject(hint)
                  .issueTime(now)
                  .expirationTime(Date.from(now.toInstant().plusSeconds(300)))
                  .build();
          var token = new SignedJWT(new JWSHeader(JWSAlgorithm.HS256), claims);
          token.sign(new MACSigner(secret("appSecret").getValueBytes()));
          tokens(
              basic,
              asking(basic, "openid").loginHintToken(new LoginHintToken(token.serialize())));
        });
    cases.put(
        "denial",
        () -> {
          var started = start(asking(basic, "openid").loginHint(hint));
          answer(started, "deny");
          refused(token(basic, new CIBAGrant(started.getAuthRequestID())), "access_denied");
        });
    cases.put(
        "slow_down",
        () -> {
          var started = start(asking(basic, "openid").loginHint(hint));
          var grant = new CIBAGrant(started.getAuthRequestID());
          refused(token(basic, grant), "authorization_pending");
          refused(token(basic, grant), "slow_down");
          answer(started, "allow");
          // The interval has grown by five seconds.
          Thread.sleep(5_000);
          pause(started);
          check(token(basic, grant).indicatesSuccess(), "no tokens after slowing down");
        });
    cases.put(
        "a wrong secret",
        () -> {
          Authentication wrong = () -> new ClientSecretBasic(client("appID"), new Secret("wrong"));
          var response =
              CIBAResponse.parse(
                  send(asking(wrong, "openid").loginHint(hint).build().toHTTPRequest()));
          check(!response.indicatesSuccess(), "not refused");
          var error = response.toErrorResponse().getErrorObject();
          check("invalid_client".equals(error.getCode()), error);
          check(error.getHTTPStatusCode() == 401, error.getHTTPStatusCode());
        });

    System.exit(run(cases));
  }

  /** Runs the cases one after the other and tells of each; gives the status to exit with. */
  static int run(Map<String, Case> cases) {
    boolean failed = false;
    for (var each : cases.entrySet()) {
      try {
        each.getValue().run();
        System.out.println("case ok " + each.getKey());
      } catch (Exception error) {
        failed = true;
        error.printStackTrace();
        System.out.println("case FAILED " + each.getKey() + " -- " + error);
      }
    }
    return failed ? 1 : 0;
  }
}

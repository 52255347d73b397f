import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.ciba.CIBAErrorDelivery;
import com.nimbusds.oauth2.sdk.ciba.CIBAGrant;
import com.nimbusds.oauth2.sdk.ciba.CIBAPingCallback;
import com.nimbusds.oauth2.sdk.ciba.CIBAPushCallback;
import com.nimbusds.oauth2.sdk.ciba.CIBARequestAcknowledgement;
import com.nimbusds.oauth2.sdk.ciba.CIBATokenDelivery;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.token.BearerAccessToken;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.claims.AccessTokenHash;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** Has the SDK of Nimbus, unmodified, read the pushes and pings of Assent. */
class Told {
  static final URI ENDPOINT = URI.create(System.getenv("notificationEndpoint"));
  static final String ID_TOKEN_CLAIM = "urn:openid:params:jwt:claim:";
  static final BlockingQueue<HTTPRequest> CAUGHT = new LinkedBlockingQueue<>();

  static final Ciba.Authentication PUSH = basic("pushApp");
  static final Ciba.Authentication PING = basic("pingApp");

  static Ciba.Authentication basic(String name) {
    return () -> new ClientSecretBasic(Ciba.client(name + "ID"), Ciba.secret(name + "Secret"));
  }

  /** The notification endpoint of the demo's applications, with the certificate it made. */
  static HttpsServer listen() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (var file = Files.newInputStream(Path.of(System.getenv("catcherCertFile")))) {
      Certificate[] chain = {CertificateFactory.getInstance("X.509").generateCertificate(file)};
      store.setKeyEntry("catcher", Ciba.key("catcherKeyFile", "EC"), new char[0], chain);
    }
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, new char[0]);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), null, null);

    var server =
        HttpsServer.create(new InetSocketAddress(ENDPOINT.getHost(), ENDPOINT.getPort()), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(tls));
    server.createContext("/", Told::receive);
    server.start();
    return server;
  }

  /** The request as the SDK wants it. */
  static void receive(HttpExchange exchange) throws IOException {
    var method = HTTPRequest.Method.valueOf(exchange.getRequestMethod());
    var request = new HTTPRequest(method, ENDPOINT.resolve(exchange.getRequestURI()));
    exchange.getRequestHeaders().forEach((name, all) -> request.setHeader(name, all.get(0)));
    request.setBody(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
    exchange.sendResponseHeaders(204, -1);
    exchange.close();
    CAUGHT.add(request);
  }

  static HTTPRequest caught() throws Exception {
    HTTPRequest request = CAUGHT.poll(15, TimeUnit.SECONDS);
    Ciba.check(request != null, "no notification");
    Ciba.check(ENDPOINT.equals(request.getURI()), request.getURI());
    return request;
  }

  /** A request, and how the client knows that a notification is about it and comes from Assent. */
  record Started(CIBARequestAcknowledgement request, BearerAccessToken token) {
    static Started by(Ciba.Authentication by, Integer expiry, String... scope) throws Exception {
      var token = new BearerAccessToken();
      var asked =
          Ciba.asking(by, scope)
              .loginHint(System.getenv("cibaHint"))
              .requestedExpiry(expiry)
              .clientNotificationToken(token);
      return new Started(Ciba.start(asked), token);
    }

    CIBAGrant grant() {
      return new CIBAGrant(request.getAuthRequestID());
    }

    CIBAPushCallback push() throws Exception {
      CIBAPushCallback push = CIBAPushCallback.parse(caught());
      Ciba.check(token.equals(push.getAccessToken()), "another client_notification_token");
      Ciba.check(request.getAuthRequestID().equals(push.getAuthRequestID()), "another request");
      Ciba.refused(Ciba.token(PUSH, grant()), "unauthorized_client");
      return push;
    }

    void pushedError(String error) throws Exception {
      CIBAPushCallback push = push();
      Ciba.check(!push.indicatesSuccess(), "tokens");
      var pushed = push.toErrorDelivery().getErrorObject();
      Ciba.check(CIBAErrorDelivery.getStandardErrors().contains(pushed), pushed);
      Ciba.check(error.equals(pushed.getCode()), pushed);
      Ciba.check(pushed.getDescription() != null, "no error_description");
    }

    /** CIBA §10.3.1: the ID token names the request and holds hashes of what came with it. */
    OIDCTokens pushedTokens() throws Exception {
      CIBAPushCallback push = push();
      Ciba.check(push.indicatesSuccess(), "no tokens");
      CIBATokenDelivery delivery = push.toTokenDelivery();
      OIDCTokens tokens = delivery.getOIDCTokens();
      IDTokenClaimsSet identity = Ciba.verify(PUSH.call().getClientID(), tokens);
      String named = identity.getStringClaim(ID_TOKEN_CLAIM + "auth_req_id");
      Ciba.check(request.getAuthRequestID().getValue().equals(named), named);
      String hash = identity.getStringClaim(ID_TOKEN_CLAIM + "rt_hash");
      String hashed = null;
      if (tokens.getRefreshToken() != null) {
        // The SDK has no class for it; it is made as at_hash is.
        var token = new BearerAccessToken(tokens.getRefreshToken().getValue());
        hashed = AccessTokenHash.compute(token, JWSAlgorithm.RS256, null).getValue();
      }
      Ciba.check(Objects.equals(hash, hashed), "rt_hash " + hash);
      return tokens;
    }

    void pinged() throws Exception {
      CIBAPingCallback ping = CIBAPingCallback.parse(caught());
      Ciba.check(token.equals(ping.getAccessToken()), "another client_notification_token");
      Ciba.check(request.getAuthRequestID().equals(ping.getAuthRequestID()), "another request");
    }
  }

  public static void main(String[] args) throws Exception {
    Ciba.metadata = OIDCProviderMetadata.resolve(Ciba.ISSUER);
    listen();

    Map<String, Ciba.Case> cases = new LinkedHashMap<>();
    cases.put(
        "push: tokens, refresh",
        () -> {
          var started = Started.by(PUSH, null, "openid", "offline_access");
          Ciba.answer(started.request, "allow");
          OIDCTokens pushed = started.pushedTokens();
          Ciba.check(pushed.getRefreshToken() != null, "no refresh_token");
          var again = Ciba.token(PUSH, new RefreshTokenGrant(pushed.getRefreshToken()));
          Ciba.check(again.indicatesSuccess(), again);
          Ciba.verify(PUSH.call().getClientID(), ((OIDCTokenResponse) again).getOIDCTokens());
        });
    cases.put(
        "push: no refresh token, no rt_hash",
        () -> {
          var started = Started.by(PUSH, null, "openid");
          Ciba.answer(started.request, "allow");
          Ciba.check(started.pushedTokens().getRefreshToken() == null, "a refresh_token");
        });
    cases.put(
        "push: denial",
        () -> {
          var started = Started.by(PUSH, null, "openid");
          Ciba.answer(started.request, "deny");
          started.pushedError("access_denied");
        });
    cases.put("push: expiry", () -> Started.by(PUSH, 2, "openid").pushedError("expired_token"));
    cases.put(
        "ping: tokens",
        () -> {
          var started = Started.by(PING, null, "openid");
          Ciba.answer(started.request, "allow");
          started.pinged();
          var response = Ciba.token(PING, started.grant());
          Ciba.check(response.indicatesSuccess(), response);
          Ciba.verify(PING.call().getClientID(), ((OIDCTokenResponse) response).getOIDCTokens());
        });
    cases.put(
        "ping: denial",
        () -> {
          var started = Started.by(PING, null, "openid");
          Ciba.answer(started.request, "deny");
          started.pinged();
          Ciba.refused(Ciba.token(PING, started.grant()), "access_denied");
        });
    System.exit(Ciba.run(cases));
  }
}

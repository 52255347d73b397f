import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import okhttp3.Credentials;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/**
 * The Java form of the token request: OkHttp with the colons of the grant type as they are. OkHttp
 * adds "; charset=utf-8" to the media type of a text body.
 */
class Ciba {
  static final OkHttpClient CLIENT =
      new OkHttpClient().newBuilder().callTimeout(10, TimeUnit.SECONDS).build();
  static final String BASE = System.getenv("authPath") + "/" + System.getenv("envID");

  @SuppressWarnings("deprecation") // The order of the arguments is the page's.
  static String post(String path, String form, int want) throws Exception {
    MediaType type = MediaType.parse("application/x-www-form-urlencoded");
    Request request =
        new Request.Builder()
            .url(BASE + path)
            .method("POST", RequestBody.create(type, form))
            .addHeader("Content-Type", "application/x-www-form-urlencoded")
            .addHeader(
                "Authorization",
                Credentials.basic(System.getenv("appID"), System.getenv("appSecret")))
            .build();
    try (Response response = CLIENT.newCall(request).execute()) {
      String text = response.body().string();
      if (response.code() != want) {
        throw new IllegalStateException(path + " answered " + response.code() + ": " + text);
      }
      return text;
    }
  }

  static String member(String json, String name) {
    Matcher found = Pattern.compile("\"" + name + "\":\"?([^\",}]*)").matcher(json);
    if (!found.find()) {
      throw new IllegalStateException("no " + name + " in " + json);
    }
    return found.group(1);
  }

  static void expect(String got, String want) {
    if (!got.equals(want)) {
      throw new IllegalStateException(got + " instead of " + want);
    }
  }

  public static void main(String[] args) throws Exception {
    String hint = URLEncoder.encode(System.getenv("cibaHint"), StandardCharsets.UTF_8);
    String started = post("/as/cibaAuthorization", "scope=openid&login_hint=" + hint, 200);
    String id = member(started, "auth_req_id");
    String form = "grant_type=urn:openid:params:grant-type:ciba&auth_req_id=" + id;

    expect(member(post("/as/token", form, 400), "error"), "authorization_pending");
    post("/simulator/answer?action=allow&auth_req_id=" + id, "", 204);
    Thread.sleep(Integer.parseInt(member(started, "interval")) * 1000L + 200);

    String tokens = post("/as/token", form, 200);
    expect(member(tokens, "token_type"), "Bearer");
    expect(member(tokens, "expires_in"), "3600");
    expect(String.valueOf(member(tokens, "access_token").split("\\.").length), "3");
    System.out.println("OK");
  }
}

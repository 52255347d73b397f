//! What the demonstration prints: where to click, and commands to paste.

use super::files::Values;

/// The welcome.
pub fn welcome(values: &Values) -> String {
    let get = |name: &str| {
        values.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    };
    let (auth, env) = (get("authPath"), get("envID"));
    let (app, secret) = (get("appID"), get("appSecret"));
    let (curl, trust) = if auth.starts_with("https:") {
        let authority = get("tlsAuthorityFile");
        let trust = format!(
            "\nIts certificates are by an authority made for it, to be trusted for nothing else:\n  \
             {authority}\nClients are asked for certificates at {}\n",
            get("mtlsAuthPath")
        );
        (format!("curl --cacert '{authority}'"), trust)
    } else {
        (String::from("curl"), String::new())
    };
    format!(
        "\
Assent is running on {auth} (stop with Ctrl-C).
{trust}
Alice answers in a browser; open this link once, it signs you in as Alice:
  {page}

1. Ask Alice. In another terminal:
  authReq=$({curl} --silent --request POST '{auth}/{env}/as/cibaAuthorization' \\
    --user '{app}:{secret}' \\
    --data-urlencode 'scope=openid payments:write' \\
    --data-urlencode 'login_hint=alice' \\
    --data-urlencode 'binding_message=PAY-4711' \\
    | tee /dev/stderr | sed 's/.*\"auth_req_id\":\"\\([^\"]*\\)\".*/\\1/')

2. Approve in the browser, or as Alice's phone:
  id=$({curl} --silent '{auth}/{env}/device/requests' \\
    --header 'Authorization: Bearer {device}' \\
    | sed 's/.*\"requests\":\\[{{\"id\":\"\\([^\"]*\\)\".*/\\1/')
  {curl} --request POST \"{auth}/{env}/device/requests/$id/approve\" \\
    --header 'Authorization: Bearer {device}'

3. Fetch the tokens, once; before step 2 this waits for Alice, 20 seconds at most:
  accessToken=$({curl} --silent --location --globoff '{auth}/{env}/as/token' \\
    --header 'Content-Type: application/x-www-form-urlencoded' \\
    --header 'Prefer: wait=20' \\
    --user '{app}:{secret}' \\
    --data-urlencode 'grant_type=urn:openid:params:grant-type:ciba' \\
    --data-urlencode \"auth_req_id=$authReq\" \\
    | tee /dev/stderr | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')

4. Who is it, what is the token good for, and no more of it:
  {curl} --silent '{auth}/{env}/as/userinfo' --header \"Authorization: Bearer $accessToken\"
  {curl} --silent '{auth}/{env}/as/introspect' --user '{app}:{secret}' \\
    --data-urlencode \"token=$accessToken\"
  {curl} --silent '{auth}/{env}/as/revoke' --user '{app}:{secret}' \\
    --data-urlencode \"token=$accessToken\"

Or take the question back after step 1; it disappears from Alice's devices:
  {curl} --silent '{auth}/{env}/as/revoke' --user '{app}:{secret}' \\
    --data-urlencode \"token=$authReq\" --data-urlencode 'token_type_hint=auth_req_id'

Metadata: {auth}/{env}/as/.well-known/openid-configuration",
        page = get("alicePage"),
        device = get("aliceDeviceToken"),
    )
}

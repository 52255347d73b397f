// The C# form of the token request. The page uses RestSharp, which comes from NuGet; here it is
// the HttpClient of Debian's Mono, whose form encoder escapes the colons as RestSharp's does.
using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;

static class Ciba
{
    static readonly HttpClient Client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };

    static string Env(string name)
    {
        return Environment.GetEnvironmentVariable(name);
    }

    static async Task<string> Post(string path, int want, params string[] pairs)
    {
        var form = new List<KeyValuePair<string, string>>();
        for (var i = 0; i < pairs.Length; i += 2)
        {
            form.Add(new KeyValuePair<string, string>(pairs[i], pairs[i + 1]));
        }
        var url = Env("authPath") + "/" + Env("envID") + path;
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new FormUrlEncodedContent(form) };
        var basic = Convert.ToBase64String(Encoding.ASCII.GetBytes(Env("appID") + ":" + Env("appSecret")));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", basic);
        var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        if ((int)response.StatusCode != want)
        {
            throw new Exception(path + " answered " + (int)response.StatusCode + ": " + text);
        }
        return text;
    }

    static string Member(string json, string name)
    {
        return Regex.Match(json, "\"" + name + "\":\"?([^\",}]*)").Groups[1].Value;
    }

    static void Expect(string got, string want)
    {
        if (got != want)
        {
            throw new Exception("'" + got + "' instead of '" + want + "'");
        }
    }

    static async Task Run()
    {
        var started = await Post("/as/cibaAuthorization", 200, "scope", "openid", "login_hint", Env("cibaHint"));
        var id = Member(started, "auth_req_id");
        var form = new[] { "grant_type", "urn:openid:params:grant-type:ciba", "auth_req_id", id };

        Expect(Member(await Post("/as/token", 400, form), "error"), "authorization_pending");
        await Post("/simulator/answer?action=allow&auth_req_id=" + id, 204);
        await Task.Delay(int.Parse(Member(started, "interval")) * 1000 + 200);

        var tokens = await Post("/as/token", 200, form);
        Expect(Member(tokens, "token_type"), "Bearer");
        Expect(Member(tokens, "expires_in"), "3600");
        Expect(Member(tokens, "access_token").Split('.').Length.ToString(), "3");
        Console.WriteLine("OK");
    }

    static int Main()
    {
        try
        {
            Run().GetAwaiter().GetResult();
            return 0;
        }
        catch (Exception error)
        {
            Console.Error.WriteLine(error);
            return 1;
        }
    }
}

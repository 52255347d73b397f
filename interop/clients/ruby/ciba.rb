# The Ruby form of the token request: net/http with a body escaped by hand.
require "json"
require "net/http"
require "uri"

BASIC = ["#{ENV.fetch("appID")}:#{ENV.fetch("appSecret")}"].pack("m0")

def post(path, form, want)
  url = URI("#{ENV.fetch("authPath")}/#{ENV.fetch("envID")}#{path}")
  http = Net::HTTP.new(url.host, url.port)
  http.open_timeout = http.read_timeout = 10
  request = Net::HTTP::Post.new(url)
  request["Content-Type"] = "application/x-www-form-urlencoded"
  request["Authorization"] = "Basic #{BASIC}"
  request.body = form
  response = http.request(request)
  raise "#{path} answered #{response.code}: #{response.body}" unless response.code.to_i == want
  response.body && JSON.parse(response.body)
end

hint = URI.encode_www_form_component(ENV.fetch("cibaHint"))
started = post("/as/cibaAuthorization", "scope=openid&login_hint=#{hint}", 200)
form = "grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&auth_req_id=#{started["auth_req_id"]}"

waiting = post("/as/token", form, 400)
raise waiting.inspect unless waiting["error"] == "authorization_pending"
post("/simulator/answer?action=allow&auth_req_id=#{started["auth_req_id"]}", "", 204)
sleep started["interval"] + 0.2

tokens = post("/as/token", form, 200)
raise tokens.inspect unless tokens.values_at("token_type", "expires_in") == ["Bearer", 3600]
raise tokens.inspect unless tokens["access_token"].count(".") == 2
puts "OK"

// The Go form of the token request: net/http with a body escaped by hand.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

var client = &http.Client{Timeout: 10 * time.Second}

type answer struct {
	AuthReqID   string `json:"auth_req_id"`
	Interval    int    `json:"interval"`
	Error       string `json:"error"`
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

func post(path, body string, want int) answer {
	target := os.Getenv("authPath") + "/" + os.Getenv("envID") + path
	request, err := http.NewRequest(http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(os.Getenv("appID") + ":" + os.Getenv("appSecret")))
	request.Header.Add("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Add("Authorization", "Basic "+basic)
	response, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	if response.StatusCode != want {
		log.Fatalf("%s answered %d instead of %d: %s", path, response.StatusCode, want, text)
	}
	var parsed answer
	if len(text) > 0 {
		if err := json.Unmarshal(text, &parsed); err != nil {
			log.Fatal(err)
		}
	}
	return parsed
}

func main() {
	started := post("/as/cibaAuthorization", "scope=openid&login_hint="+url.QueryEscape(os.Getenv("cibaHint")), 200)
	form := "grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&auth_req_id=" + started.AuthReqID

	if waiting := post("/as/token", form, 400); waiting.Error != "authorization_pending" {
		log.Fatalf("not authorization_pending: %+v", waiting)
	}
	post("/simulator/answer?action=allow&auth_req_id="+started.AuthReqID, "", 204)
	time.Sleep(time.Duration(started.Interval)*time.Second + 200*time.Millisecond)

	tokens := post("/as/token", form, 200)
	if tokens.TokenType != "Bearer" || tokens.ExpiresIn != 3600 || strings.Count(tokens.AccessToken, ".") != 2 {
		log.Fatalf("not the tokens expected: %+v", tokens)
	}
	fmt.Println("OK")
}

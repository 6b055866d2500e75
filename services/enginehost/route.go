package enginehost

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A route is what the path of a socket says.
//
//	/app/<id>[/identity/<name>][/ttl/<seconds>]      an app, id percent-encoded
//	/app/engineData, /app/, /app, /                  no app yet
//	/app/SessionApp_<any>                            an empty app in memory
//	/app/?transient= (encoded)                       a session for a session app
//	/<prefix>/app/...                                the same behind a proxy
type route struct {
	app      string // "" = none
	identity string
	ttl      time.Duration // how long the session lives after its last socket
	ok       bool
}

// sessionAppPrefix begins the ids of apps in memory.
const sessionAppPrefix = "SessionApp_"

// ttlMax bounds what a client may ask for.
const ttlMax = 24 * time.Hour

// parseRoute reads the path as it came, still percent-encoded.
func parseRoute(raw string) route {
	parts := strings.Split(strings.Trim(raw, "/"), "/")
	at := -1
	for i, p := range parts {
		if p == "app" {
			at = i
			break
		}
	}
	if at < 0 { // bare "/" or a prefix of a proxy alone
		return route{ok: strings.Trim(raw, "/") == "", ttl: -1}
	}
	r := route{ok: true, ttl: -1}
	rest := parts[at+1:]
	if n := len(rest); n >= 2 && rest[n-2] == "ttl" {
		if sec, err := strconv.Atoi(rest[n-1]); err == nil && sec >= 0 {
			r.ttl = min(time.Duration(sec)*time.Second, ttlMax)
		}
		rest = rest[:n-2]
	}
	if n := len(rest); n >= 2 && rest[n-2] == "identity" {
		r.identity = unescape(rest[n-1])
		rest = rest[:n-2]
	}
	id := unescape(strings.Join(rest, "/"))
	if id != "engineData" && id != "engineData/" && !strings.HasPrefix(id, "?transient=") {
		r.app = id
	}
	return r
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

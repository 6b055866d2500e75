package api

import (
	"testing"
)

// The default virtual proxy stays the default one, whoever wants it otherwise: a
// proxy without it would not start.
func TestDefaultVirtualProxy(t *testing.T) { onEach(t, testDefaultVirtualProxy) }

func testDefaultVirtualProxy(t *testing.T, s *site) {
	var found []doc
	s.json(service, "GET", "/qrs/virtualproxyconfig/full?filter=defaultVirtualProxy+eq+true", "", 200, &found)
	at := "/qrs/virtualproxyconfig/" + found[0]["id"].(string)
	s.json(service, "DELETE", at, "", 403, nil)
	s.json(service, "PUT", at, `{"prefix":"other"}`, 400, nil)
	s.json(service, "PUT", at, `{"defaultVirtualProxy":false}`, 400, nil)
	s.json(service, "PUT", at, `{"description":"ours","prefix":"","defaultVirtualProxy":true}`, 200, nil)
	const other = `"description":"x","sessionCookieHeaderName":"X-Qlik-Session-x","sessionInactivityTimeout":30,"authenticationMethod":0`
	s.json(service, "POST", "/qrs/virtualproxyconfig", `{"prefix":"x","defaultVirtualProxy":true,`+other+`}`, 400, nil)
	var made doc
	s.json(service, "POST", "/qrs/virtualproxyconfig", `{"prefix":"x",`+other+`}`, 201, &made)
	s.json(service, "PUT", "/qrs/virtualproxyconfig/"+made["id"].(string), `{"prefix":"y"}`, 200, nil)
	s.json(service, "DELETE", "/qrs/virtualproxyconfig/"+made["id"].(string), "", 204, nil)
}

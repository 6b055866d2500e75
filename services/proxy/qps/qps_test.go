package qps

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/proxy"
	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// prefixes are those of the tests.
type prefixes struct{}

func (prefixes) Timeout(p string) (string, time.Duration, bool) {
	for _, name := range []string{"", "sales/eu"} {
		if strings.EqualFold(p, name) {
			return name, time.Hour, true
		}
	}
	return "", 0, false
}

// people are those whom the repository of the tests knows.
type people struct{}

func (people) Login(_ context.Context, u session.User) (session.User, error) {
	if u.ID == "closed" {
		return u, fmt.Errorf("closed: %w", proxy.ErrInactive)
	}
	u.Name, u.Entity = "Name of "+u.ID, "id of "+u.ID
	return u, nil
}

// authority makes certificates.
func authority(t *testing.T) (pool *x509.CertPool, issue func() tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	sign := func(c *x509.Certificate, k *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, c, ca, &k.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	root, err := x509.ParseCertificate(sign(ca, key))
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(root)
	return pool, func() tls.Certificate {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{PrivateKey: k, Certificate: [][]byte{sign(&x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "QlikClient"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		}, k)}}
	}
}

type client struct {
	*http.Client
	t   *testing.T
	url string
}

// call sends a request with a key and reads the answer.
func (c *client) call(method, path, body string, out any) int {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url+path+"?XrfKey=0123456789abcdef", bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("X-Qlik-Xrfkey", "0123456789abcdef")
	resp, err := c.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(b, out); err != nil {
			c.t.Fatalf("%s: %v", b, err)
		}
	}
	return resp.StatusCode
}

func start(t *testing.T) (*client, *session.Store, *auth.Tickets, func() tls.Certificate) {
	t.Helper()
	return startWith(t, nil)
}

func startWith(t *testing.T, audit *slog.Logger) (*client, *session.Store, *auth.Tickets, func() tls.Certificate) {
	t.Helper()
	sessions, err := session.New(session.Options{Now: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	tickets := auth.NewTickets(rand.Reader, time.Now)
	s, err := New(Options{Virtual: prefixes{}, Sessions: sessions, Tickets: tickets, Users: people{}, Audit: audit, Health: func() any { return map[string]int{"sessions": sessions.Len()} }})
	if err != nil {
		t.Fatal(err)
	}
	pool, issue := authority(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l, &tls.Config{ClientAuth: tls.RequestClientCert}); err == nil {
		t.Fatal("served without verifying certificates")
	}
	served := make(chan error, 1)
	go func() {
		served <- s.Serve(l, &tls.Config{Certificates: []tls.Certificate{issue()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12})
	}()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{issue()}}}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return &client{Client: &http.Client{Transport: tr, Timeout: 10 * time.Second}, t: t, url: "https://" + l.Addr().String()}, sessions, tickets, issue
}

func TestTickets(t *testing.T) {
	c, _, tickets, _ := start(t)
	var out struct {
		UserDirectory, UserID, Ticket string
		Attributes                    []map[string]string
		TargetURI                     *string
	}
	const body = `{"userdirectory":"DOM","UserID":" ann ","Attributes":[{"group":"a"},{"group":"b"}],"TargetId":"unknown"}`
	for _, path := range []string{"/qps/ticket", "/qps//ticket", "/QPS/Sales/EU/Ticket", "/qps/sales/eu/ticket/"} {
		if code := c.call("POST", path, body, &out); code != 201 || out.UserID != "ann" || len(out.Ticket) < 20 || len(out.Attributes) != 2 || out.TargetURI != nil {
			t.Errorf("%s: %d %+v", path, code, out)
		}
	}
	if tickets.Len() != 4 {
		t.Errorf("%d tickets", tickets.Len())
	}
	for why, body := range map[string]string{
		"blank": `{"UserDirectory":"DOM","UserId":"  "}`, "backslash": `{"UserDirectory":"DOM","UserId":"a\\b"}`, "service account": `{"UserDirectory":"Internal","UserId":"sa_api"}`,
		"no JSON": `{`, "no directory": `{"UserId":"ann"}`, "injection": `{"UserDirectory":"DOM","UserId":"a; UserId=b"}`,
	} {
		if code := c.call("POST", "/qps/ticket", body, nil); code != 400 {
			t.Errorf("%s: %d", why, code)
		}
	}
	for path, want := range map[string]int{"/qps/other/ticket": 404, "/qps/ticket/x": 404, "/qps/../qps/ticket": 400, "/other": 404, "/qps": 404} {
		if code := c.call("POST", path, body, nil); code != want {
			t.Errorf("%s: %d", path, code)
		}
	}
	if code := c.call("PUT", "/qps/ticket", body, nil); code != 405 {
		t.Errorf("PUT: %d", code)
	}
}

func TestSessions(t *testing.T) {
	c, sessions, _, _ := start(t)
	var added struct {
		SessionID, UserName string
		NewUser             *bool
	}
	if code := c.call("POST", "/qps//session", `{"UserDirectory":"DOM","UserId":"ann","SessionId":"0123456789abcdef"}`, &added); code != 201 || added.SessionID != "0123456789abcdef" || added.NewUser == nil {
		t.Fatalf("%d %+v", code, added)
	}
	if x, ok := sessions.Find("", "0123456789abcdef"); !ok || x.User.Entity != "id of ann" || added.UserName != "Name of ann" {
		t.Errorf("the cookie does not count, or nobody knows whose it is: %+v, %v", added, ok)
	}
	if code := c.call("POST", "/qps/session", `{"UserDirectory":"DOM","UserId":"closed","SessionId":"fedcba9876543210"}`, nil); code != 403 || sessions.Len() != 1 {
		t.Errorf("a blocked user: %d, %d sessions", code, sessions.Len())
	}
	if code := c.call("POST", "/qps/session", `{"UserDirectory":"DOM","UserId":"eve","SessionId":"0123456789abcdef"}`, nil); code != 409 {
		t.Errorf("the same again: %d", code)
	}
	if code := c.call("POST", "/qps/session", `{"UserDirectory":"DOM","UserId":"eve","SessionId":"1"}`, nil); code != 400 {
		t.Errorf("a short id: %d", code)
	}
	c.call("POST", "/qps/session", `{"UserDirectory":"DOM","UserId":"ann"}`, nil)
	c.call("POST", "/qps/sales/eu/session", `{"UserDirectory":"DOM","UserId":"ann"}`, nil)
	var list []wireSession
	if code := c.call("GET", "/qps/session", "", &list); code != 200 || len(list) != 2 || list[0].SessionID == "0123456789abcdef" {
		t.Fatalf("%d %+v", code, list)
	}
	var one wireSession
	if code := c.call("GET", "/qps/session/"+list[0].SessionID, "", &one); code != 200 || one.UserID != "ann" {
		t.Errorf("%d %+v", code, one)
	}
	if code := c.call("GET", "/qps/sales/eu/session/"+list[0].SessionID, "", nil); code != 404 {
		t.Errorf("at another prefix: %d", code)
	}
	var ended struct {
		Session            wireSession
		LastSessionForUser bool
	}
	if code := c.call("DELETE", "/qps/session/0123456789abcdef", "", &ended); code != 200 || ended.Session.UserID != "ann" || ended.LastSessionForUser {
		t.Errorf("%d %+v", code, ended)
	}
	if code := c.call("DELETE", "/qps/session/0123456789abcdef", "", nil); code != 404 {
		t.Errorf("again: %d", code)
	}
	if code := c.call("GET", "/qps/user/dom/ANN", "", &list); code != 200 || len(list) != 1 {
		t.Errorf("%d %+v", code, list)
	}
	if code := c.call("DELETE", "/qps/user/dom/ANN", "", &list); code != 200 || len(list) != 1 || sessions.Len() != 1 {
		t.Errorf("%d %+v, left %d", code, list, sessions.Len())
	}
	if code := c.call("POST", "/qps/error", `{"userDirectory":"DOM","userId":"ann","message":"x"}`, nil); code != 204 {
		t.Errorf("error: %d", code)
	}
	var health map[string]int
	if code := c.call("GET", "/qps/health", "", &health); code != 200 || health["sessions"] != 1 {
		t.Errorf("health: %d %v", code, health)
	}
}

func TestWhoMayAsk(t *testing.T) {
	c, _, _, _ := start(t)
	get := func(url, header string) int {
		req, _ := http.NewRequest("GET", c.url+url, nil)
		if header != "" {
			req.Header.Set("X-Qlik-Xrfkey", header)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, tt := range []struct {
		url, header string
		want        int
	}{
		{"/qps/session?xrfkey=abcdefghij012345", "abcdefghij012345", 200},
		{"/qps/session?xrfkey=abcdefghij012345", "", 403},
		{"/qps/session", "abcdefghij012345", 403},
		{"/qps/session?xrfkey=abcdefghij012345", "Abcdefghij012345", 403},
		{"/qps/session?xrfkey=abc", "abc", 403},
		{"/qps/session?xrfkey=abcdefghij01234-", "abcdefghij01234-", 403},
		{"/qps/alive", "", 200},
	} {
		if got := get(tt.url, tt.header); got != tt.want {
			t.Errorf("%s, %q: %d", tt.url, tt.header, got)
		}
	}
	_, foreign := authority(t)
	tr := c.Transport.(*http.Transport)
	for why, certificates := range map[string][]tls.Certificate{"no certificate": nil, "another site's": {foreign()}} {
		other := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: tr.TLSClientConfig.RootCAs, Certificates: certificates}}}
		if resp, err := other.Get(c.url + "/qps/alive"); err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: %d", why, resp.StatusCode)
		}
	}
}

// The audit log names a session that a module brings by the id that the rows of
// its end and its sockets have, and never by its cookie.
func TestAuditOfSession(t *testing.T) {
	var rows bytes.Buffer // written before the answer, which is read before this is
	c, sessions, _, _ := startWith(t, slog.New(slog.NewTextHandler(&rows, nil)))
	if code := c.call("POST", "/qps/session", `{"UserDirectory":"DOM","UserId":"ann","SessionId":"0123456789abcdef"}`, nil); code != 201 {
		t.Fatal(code)
	}
	if id := sessions.List("")[0].ID; !strings.Contains(rows.String(), "session="+id) || strings.Contains(rows.String(), "0123456789abcdef") {
		t.Errorf("session %s: %s", id, rows.String())
	}
}

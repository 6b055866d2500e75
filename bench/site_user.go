package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/fasthttp/websocket"
)

// Bounds of users: each has an address of 127.1/16 where the system has these,
// as the proxy counts requests by address, and the proxy lets a user have 100
// sessions.
const (
	usersMax        = 250 * 250
	sessionsPerUser = 100
)

// A siteUser is one user of a site.
type siteUser struct {
	site *siteProcess
	name string
	dial *net.Dialer
	web  *http.Client
}

func newSiteUser(p *siteProcess, i int) *siteUser {
	u := &siteUser{site: p, name: fmt.Sprintf("user%d", i), dial: &net.Dialer{Timeout: 30 * time.Second}}
	if runtime.GOOS == "linux" {
		u.dial.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 1, byte(1+i/250), byte(1+i%250))}
	}
	u.web = &http.Client{
		Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: p.userTLS, DialContext: u.dial.DialContext, IdleConnTimeout: 2 * time.Second, MaxIdleConns: 2},
	}
	return u
}

func (u *siteUser) dialer() *websocket.Dialer {
	return &websocket.Dialer{
		TLSClientConfig: u.site.userTLS, NetDialContext: u.dial.DialContext, HandshakeTimeout: 30 * time.Second,
		ReadBufferSize: 4 << 10, WriteBufferSize: 1 << 10, WriteBufferPool: &u.site.buffers,
	}
}

// logIn starts a session by a ticket and returns the header that names it.
func (u *siteUser) logIn(ctx context.Context) (http.Header, error) {
	ticket, err := u.site.ticket(ctx, u.name)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.site.url+"hub/?qlikTicket="+url.QueryEscape(ticket), nil)
	if err != nil {
		return nil, err
	}
	a, err := u.web.Do(r)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, a.Body) // the connection is used again if that works
	_ = a.Body.Close()
	for _, c := range a.Cookies() {
		if strings.HasPrefix(c.Name, "X-Qlik-Session") {
			return http.Header{"Cookie": {c.Name + "=" + c.Value}}, nil
		}
	}
	return nil, fmt.Errorf("log-in of %s: %s, no session", u.name, a.Status)
}

var formToken = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// logInByForm logs in with a password, and returns how long the answer to the
// form took.
func (u *siteUser) logInByForm(ctx context.Context, name, password string) (time.Duration, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return 0, err
	}
	web := &http.Client{Timeout: time.Minute, Jar: jar, Transport: u.web.Transport}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.site.url+"hub/", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept", "text/html")
	page, err := web.Do(r)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(page.Body)
	_ = page.Body.Close()
	token := formToken.FindSubmatch(text)
	if err != nil || token == nil {
		return 0, fmt.Errorf("no form to log in: %s, %w", page.Status, err)
	}
	form := url.Values{"csrf": {string(token[1])}, "username": {name}, "password": {password}}
	web.CheckRedirect = u.web.CheckRedirect
	start := time.Now()
	r, err = http.NewRequestWithContext(ctx, http.MethodPost, page.Request.URL.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := web.Do(r)
	if err != nil {
		return 0, err
	}
	_ = a.Body.Close()
	if a.StatusCode != http.StatusSeeOther && a.StatusCode != http.StatusFound {
		return 0, fmt.Errorf("log-in of %s: %s", name, a.Status)
	}
	return time.Since(start), nil
}

// ticket asks the proxy for one.
func (p *siteProcess) ticket(ctx context.Context, user string) (string, error) {
	in, err := json.Marshal(map[string]string{"UserDirectory": "BENCH", "UserId": user})
	if err != nil {
		return "", err
	}
	var out struct{ Ticket string }
	err = p.ask(ctx, http.MethodPost, p.tickets+"/qps/ticket", bytes.NewReader(in), &out)
	return out.Ticket, err
}

// xrfKey is what requests to the interfaces of a site carry twice.
const xrfKey = "0123456789abcdef"

// ask sends a request with the certificate of the site.
func (p *siteProcess) ask(ctx context.Context, method, to string, body io.Reader, out any) error {
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	r, err := http.NewRequestWithContext(ctx, method, "https://"+to+sep+"xrfkey="+xrfKey, body)
	if err != nil {
		return err
	}
	r.Header.Set("X-Qlik-Xrfkey", xrfKey)
	r.Header.Set("X-Qlik-User", "UserDirectory=INTERNAL; UserId=sa_api")
	r.Header.Set("Content-Type", "application/json")
	if _, ok := body.(*bytes.Reader); body != nil && !ok {
		r.Header.Set("Content-Type", "application/vnd.qlik.sense.app")
	}
	a, err := p.services.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }() // it was read
	text, err := io.ReadAll(io.LimitReader(a.Body, 64<<20))
	if err != nil {
		return err
	}
	if a.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %.200s", method, r.URL.Path, a.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func servicesClient(c *tls.Config) *http.Client {
	return &http.Client{Timeout: 10 * time.Minute, Transport: &http.Transport{TLSClientConfig: c, MaxIdleConnsPerHost: comeAtATime}}
}

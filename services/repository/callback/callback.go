// Package callback calls services of a site: over TLS, with the site's
// certificate, and only those who have one of the site themselves. Whatever an
// address says, nothing is sent to anybody else.
package callback

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	timeout   = 10 * time.Second
	answerMax = 64 << 10 // bytes of an answer, which nobody reads
)

// A Client calls services. Any number of goroutines may use it.
type Client struct{ http *fasthttp.Client }

// New returns a client. site is the configuration of connections within the
// site: it trusts the site's authority and nobody else.
func New(site *tls.Config) *Client {
	return &Client{&fasthttp.Client{
		TLSConfig: site, ReadTimeout: timeout, WriteTimeout: timeout, MaxResponseBodySize: answerMax, MaxIdleConnDuration: time.Minute,
		NoDefaultUserAgentHeader: true, MaxIdemponentCallAttempts: 1,
	}}
}

// Post sends JSON to an https address; redirections are not followed. Another
// status than 2xx is an error.
func (c *Client) Post(ctx context.Context, address string, body []byte) error {
	if !strings.HasPrefix(strings.ToLower(address), "https://") {
		return fmt.Errorf("call %q: not https", address)
	}
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	request.SetRequestURI(address)
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType("application/json")
	request.SetBodyRaw(body)
	until := time.Now().Add(timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	if err := c.http.DoDeadline(request, response, until); err != nil {
		return fmt.Errorf("call %q: %w", address, err)
	}
	if status := response.StatusCode(); status/100 != 2 {
		return fmt.Errorf("call %q: status %d", address, status)
	}
	return nil
}

// Close ends connections that wait for another call.
func (c *Client) Close() { c.http.CloseIdleConnections() }

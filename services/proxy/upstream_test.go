package proxy

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cognate-bi/cognate/services/proxy/balance"
)

// Services ask for a certificate: both ways to them bring it.
func TestUpstreamsOverMutualTLS(t *testing.T) {
	peers := make(chan int, 2)
	service := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peers <- len(r.TLS.PeerCertificates)
		tellRequest(w, r)
	}))
	service.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	service.StartTLS()
	defer service.Close()
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) {
		c := service.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		c.Certificates = service.TLS.Certificates
		o.TLS = c
	})
	address := service.Listener.Addr().String()
	s.places = []Endpoint{{Node: "n", Address: address}}
	s.engines = []balance.Engine{{Node: "n", Address: address, Allowed: true, Healthy: true}}
	v := s.visitor(t, "X-User", "ann")
	if a := v.do("POST", "/qrs/app", "{}"); a.status != 200 || a.got.Header.Get("X-Qlik-User") != "UserDirectory=DOM; UserId=ann" || <-peers != 1 {
		t.Errorf("request: %+v", a)
	}
	if hello := read(t, v.open("/app/1")); hello != "hello UserDirectory=DOM; UserId=ann /app/1" || <-peers != 1 {
		t.Errorf("socket: %s", hello)
	}
	s.pool.close()
	plain := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.TLS = &tls.Config{MinVersion: tls.VersionTLS12} }) // does not know the authority
	plain.places = s.places
	if a := plain.visitor(t, "X-User", "ann").get("/hub/"); a.status != 502 && a.status != 503 {
		t.Errorf("a service that nobody vouches for: %d", a.status)
	}
}

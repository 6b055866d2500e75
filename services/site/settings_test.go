package site

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // thumbprints are that
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/services/certs"
	"github.com/cognate-bi/cognate/services/repository"
)

func TestEngineLimits(t *testing.T) {
	const gb = 1 << 30
	of := func(text string) (set settings) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&set); err != nil {
			t.Fatal(err)
		}
		return set
	}
	for _, tt := range []struct {
		set          string
		allowed, all int64
		want         app.Limits
	}{
		{`{}`, 0, 0, app.Limits{IdleTTL: 8 * time.Hour}},
		{`{"documentTimeout":0,"reloadTimeLimitSec":-1,"reloadMemoryLimit":-1}`, gb, 0, app.Limits{MemoryMax: gb}},
		{`{"documentTimeout":60,"reloadTimeLimitSec":5,"reloadMemoryLimit":7,"objectTimeLimitSec":9}`, 0, 0, app.Limits{IdleTTL: time.Minute, ReloadTime: 5 * time.Second, ReloadBytes: 7, ObjectTime: 9 * time.Second}},
		{`{"documentTimeout":0,"workingSetSizeHiPct":50}`, 3 * gb, 400 * 100, app.Limits{MemoryMax: 400 * 50}},
		{`{"documentTimeout":0,"workingSetSizeHiPct":90}`, 100, 400 * 100, app.Limits{MemoryMax: 100}},
		{`{"documentTimeout":0,"workingSetSizeHiPct":50,"workingSetSizeMode":2}`, 0, 400 * 100, app.Limits{}},
	} {
		if got := engineLimits(of(tt.set), tt.allowed, tt.all); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.set, got, tt.want)
		}
	}
}

// Settings count as soon as they are saved; a certificate for browsers that does
// not count leaves the one before.
func TestSettings(t *testing.T) {
	s := start(t, t.TempDir())
	self := repository.Service("api")
	set := func(typ, name string, value any) {
		t.Helper()
		of := s.Repo().Schema().Type(typ)
		all, err := s.Repo().List(t.Context(), &self, of, repository.Query{})
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		all[0]["settings"].(map[string]any)[name] = value
		if _, err := s.Repo().Update(t.Context(), &self, of, all[0]["id"].(string), all[0]); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "apps staying eight hours", func() bool { return s.lib.Limits().IdleTTL == 8*time.Hour })
	set("EngineService", "documentTimeout", number(90))
	set("SchedulerService", "maxConcurrentEngines", number(7))
	eventually(t, "limits of the engine", func() bool { return s.lib.Limits().IdleTTL == 90*time.Second })
	eventually(t, "slots of the worker", func() bool { return s.worker.Slots() == 7 })

	shown := func() string {
		t.Helper()
		c, err := tls.Dial("tcp", s.proxyAt.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }() // it has said all
		sum := sha1.Sum(c.ConnectionState().PeerCertificates[0].Raw)
		return hex.EncodeToString(sum[:])
	}
	own := shown()
	thumbprint := foreignCertificate(t, s.opt.browserCerts())
	if thumbprint == own {
		t.Fatal("one certificate")
	}
	set("ProxyService", "sslBrowserCertificateThumbprint", thumbprint)
	eventually(t, "another certificate", func() bool { return shown() == thumbprint })
	set("ProxyService", "sslBrowserCertificateThumbprint", "00"+thumbprint[2:])
	set("SchedulerService", "maxConcurrentEngines", number(8))
	eventually(t, "slots of the worker", func() bool { return s.worker.Slots() == 8 })
	if got := shown(); got != thumbprint {
		t.Errorf("a thumbprint that is nowhere: %s", got)
	}
	set("ProxyService", "sslBrowserCertificateThumbprint", "")
	eventually(t, "the site's own certificate", func() bool { return shown() == own })
}

// foreignCertificate puts the certificate of another authority into a folder and
// returns its thumbprint.
func foreignCertificate(t *testing.T, dir string) string {
	t.Helper()
	from := t.TempDir()
	other, err := certs.Open(certs.Options{Dir: from, Host: "localhost", Names: []string{"127.0.0.1"}, Now: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"server.pem", "server_key.pem"} {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	leaf, err := other.FrontEnd().TLS().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha1.Sum(leaf.Leaf.Raw))
}

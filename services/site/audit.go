package site

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cognate-bi/cognate/services/telemetry"
)

// A signer signs audit logs that are rolled over.
type signer ed25519.PrivateKey

// Sign implements [telemetry.Signer].
func (s signer) Sign(message []byte) []byte { return ed25519.Sign(ed25519.PrivateKey(s), message) }

// auditKey returns the key that signs audit logs; it is made at the first start.
func auditKey(dir string) (ed25519.PrivateKey, error) {
	seed, err := secretFile(filepath.Join(dir, "audit.key"), ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("key of audit logs: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// logDir is the folder of the logs of a site.
func logDir(dir string) string { return filepath.Join(dir, "Log") }

// archiveDir is where a node keeps the logs that were rolled over: for all nodes
// together, below the folder of the site.
func archiveDir(dir, node string) string { return filepath.Join(dir, "ArchivedLogs", node) }

// auditLog is where the proxy tells who came and who was refused.
func (s *Site) auditLog() *slog.Logger { return s.log.proxy.events() }

// VerifyAudit looks whether the audit security logs of a site's central node
// are as they were written ([telemetry.Verify]).
func VerifyAudit(dir string) (telemetry.Verified, error) {
	var all telemetry.Verified
	key, err := auditKey(dir)
	if err != nil {
		return all, err
	}
	host, err := os.Hostname()
	if err != nil {
		return all, err
	}
	central := Options{Dir: dir}
	for _, service := range []string{"Proxy", "Repository"} {
		archived := filepath.Join(archiveDir(dir, central.name()), service, "Audit")
		v, err := telemetry.Verify(filepath.Join(logDir(dir), service, "Audit", host+"_AuditSecurity_"+service+".txt"), archived, key.Public().(ed25519.PublicKey))
		if err != nil {
			return all, err
		}
		all.Rows, all.Files, all.Signatures = all.Rows+v.Rows, all.Files+v.Files, all.Signatures+v.Signatures
	}
	return all, nil
}

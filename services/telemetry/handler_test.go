package telemetry

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	o := testOptions(t, newClock())
	a := newTestAudit(t, o)
	log := slog.New(a.Handler()).With("prefix", "sales")
	log.Info("Start session for user", "user", `DOM\ann`, "session", "secret", "address", "10.0.0.1")
	log.Info("connection Opened for session", "session", "secret", "path", "/app/x")
	log.Warn("login refused", "method", "form", "reason", "wrong password", "address", "10.0.0.9")
	dir := filepath.Join(o.Root, "Proxy", "Audit")
	activity := rows(t, filepath.Join(dir, "node1_AuditActivity_Proxy.txt"))
	security := rows(t, filepath.Join(dir, "node1_AuditSecurity_Proxy.txt"))
	if len(activity) != 4 || len(security) != 3 {
		t.Fatalf("%d rows of activity, %d of security", len(activity)-1, len(security)-1)
	}
	began, refused := strings.Join(security[1], "|"), strings.Join(security[2], "|")
	for _, want := range []string{"|DOM|ann|", "|10.0.0.1|", "|" + a.SessionHash("secret") + "|", "|/sales|", "Result=200"} {
		if !strings.Contains(began, want) {
			t.Errorf("%s is not in %s", want, began)
		}
	}
	for _, want := range []string{"|10.0.0.9|", "|403|", `login refused method=form reason="wrong password"`} {
		if !strings.Contains(refused, want) {
			t.Errorf("%s is not in %s", want, refused)
		}
	}
	if strings.Contains(began+strings.Join(activity[1], "|"), "secret") {
		t.Error("the session stands in a log")
	}
}

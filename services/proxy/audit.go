package proxy

import (
	"log/slog"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// AuditSessions notes the ends of sessions. It is given to session.New; their
// starts are noted where they happen. Monitors look for these words.
func AuditSessions(log *slog.Logger) session.Listener {
	return func(x *session.Session, why session.Reason) {
		log.Info("Stop session for user", "user", x.User.Directory+`\`+x.User.ID, "session", x.ID, "prefix", x.Prefix, "reason", why.String(), "command", "Stop session")
	}
}

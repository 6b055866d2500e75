package telemetry

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// An Event is something that a user, or the system, did.
type Event struct {
	SessionID       string // of the proxy; "" = internal. It is written as a salted hash
	PackageID       string // numbers the packages of HTTP; "" = 0
	RequestSequence string // 1, its parts 1.0, 1.1, …; "" = 0
	UserDirectory   string // "" with UserID: the system
	UserID          string
	ObjectIDs       []string
	ObjectNames     []string // in the same order
	Origin          Origin
	Context         string // the interface that was used
	Command         string
	Result          int    // 0 or 200 to 226 is success
	ResultText      string // "" = by Result
	Message         string
	Service         string // "" = the service of the log

	// Of security events only.
	Class   SecurityClass
	Address string // of the client

	hash  string // of the session, where its id is not there any more
	class string // of the logger
}

// Origin is where a request comes from.
type Origin uint8

// Origins.
const (
	OriginUnknown Origin = iota
	AppAccess
	ManagementAccess
)

// String returns the origin as logs have it.
func (o Origin) String() string {
	return [...]string{notAvailable, "AppAccess", "ManagementAccess"}[o]
}

// SecurityClass is what a security event is about.
type SecurityClass uint8

// Classes of security events.
const (
	ClassSecurity SecurityClass = iota
	ClassLicense
	ClassCertificate
)

// String returns the class as logs have it.
func (c SecurityClass) String() string { return [...]string{"Security", "License", "Certificate"}[c] }

const notAvailable = "Not available"

// Succeeded reports whether a result is a success.
func Succeeded(result int) bool { return result == 0 || result >= 200 && result <= 226 }

var (
	head            = []string{"Sequence#", "ProductVersion", "Timestamp", "Hostname", "Id", "Description", "ProxySessionId", "ProxyPackageId", "RequestSequenceId", "UserDirectory", "UserId", "ObjectId", "ObjectName"}
	activityColumns = append(head[:len(head):len(head)], "Service", "Origin", "Context", "Command", "Result", "Message", "Id2")
	securityColumns = append(head[:len(head):len(head)], "SecurityClass", "ClientHostAddress", "Service", "Origin", "Context", "Command", "Result", "Message", "Checksum")
)

// An Audit is the audit logs of a service. Any number of goroutines may write.
// What cannot be written is told to Options.Failed: the site goes on.
type Audit struct {
	o        Options
	activity *rolling
	security *rolling
	chain    chain
}

// NewAudit opens the audit logs of a service.
func NewAudit(o Options) (*Audit, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &Audit{o: o}
	a.activity = newRolling(&a.o, "Audit", activityFacility, engineColumns(o.Service, activityColumns))
	a.security = newRolling(&a.o, "Audit", securityFacility, securityColumns)
	a.security.seal, a.security.unseal, a.security.rolled = a.chain.seal, a.chain.unseal, a.sign
	if err := a.chain.goOn(a.security.path, a.security.archive); err != nil { // the service goes on, and verifying tells of the gap
		o.Failed(fmt.Errorf("audit security log: a new chain begins: %w", err))
	}
	return a, nil
}

// Names of the audit logs among levels and loggers.
const (
	activityFacility = "AuditActivity"
	securityFacility = "AuditSecurity"
)

// Activity logs what somebody did.
func (a *Audit) Activity(e Event) {
	if e.level() < a.o.Levels.of(activityFacility) {
		return
	}
	at := a.o.Now()
	row := append(a.common(&e, at), a.rest(&e)...)
	if a.o.Service == "Engine" {
		row = append(row, at.Format(timestamp), a.o.Version)
	}
	a.activity.write(append(row, uuid.NewString())...)
	a.tell(&e, activityFacility, at)
}

// Security logs what bears on security: log-ins, refusals, changes of rules.
func (a *Audit) Security(e Event) {
	if a.o.Service == "Engine" || e.level() < a.o.Levels.of(securityFacility) && e.Class != ClassLicense {
		return // engines have no such log; what is about licences is always written
	}
	at, address := a.o.Now(), e.Address
	if address == "" {
		address = notAvailable
	}
	a.security.write(append(a.common(&e, at), append([]string{e.Class.String(), address}, a.rest(&e)...)...)...)
	a.tell(&e, securityFacility, at)
}

// level is that of an event as appenders see it.
func (e *Event) level() slog.Level {
	if Succeeded(e.Result) {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// tell gives an event to the appenders.
func (a *Audit) tell(e *Event, facility string, at time.Time) {
	if a.o.Appenders == nil {
		return
	}
	who := e.who()
	a.o.Appenders.append(&record{
		time: at, level: e.level(), logger: loggerName(facility, a.o.Service, e.class), message: e.Message,
		values: map[string]string{
			"proxysessionid": a.hash(e), "proxypackageid": who[0], "requestsequenceid": who[1], "userdirectory": who[2], "userid": who[3], "objectid": who[4], "objectname": who[5],
			"service": or(e.Service, a.o.Service), "origin": e.Origin.String(), "context": or(e.Context, notAvailable), "command": e.Command, "result": strconv.Itoa(e.Result),
			"description": e.description(), "securityclass": e.Class.String(), "clienthostaddress": or(e.Address, notAvailable), "productversion": a.o.Version,
		},
	})
}

func (a *Audit) hash(e *Event) string { return or(e.hash, a.SessionHash(e.SessionID)) }

// Close rolls the files over.
func (a *Audit) Close() error {
	if err := a.activity.close(); err != nil {
		return err
	}
	return a.security.close()
}

// common returns the fields of both logs behind the number.
func (a *Audit) common(e *Event, at time.Time) []string {
	return append([]string{a.o.Version, at.Format(timestamp), a.o.Machine, uuid.NewString(), e.description(), a.hash(e)}, e.who()...)
}

// who returns the fields from the number of the package to the names of objects.
func (e *Event) who() []string {
	directory, id := e.UserDirectory, e.UserID
	if directory == "" && id == "" {
		directory, id = "System", "System"
	}
	ids, names := strings.Join(e.ObjectIDs, "|"), strings.Join(e.ObjectNames, "|")
	return []string{or(e.PackageID, "0"), or(e.RequestSequence, "0"), directory, id, or(ids, "0"), or(names, notAvailable)}
}

// rest returns the fields of both logs that come last.
func (a *Audit) rest(e *Event) []string {
	return []string{or(e.Service, a.o.Service), e.Origin.String(), or(e.Context, notAvailable), e.Command, strconv.Itoa(e.Result), e.Message}
}

func (e *Event) description() string {
	text := e.ResultText
	if text == "" {
		text = "Failure"
		if Succeeded(e.Result) {
			text = "Success"
		}
	}
	return fmt.Sprintf("Command=%s;Result=%d;ResultText=%s", or(e.Command, notAvailable), e.Result, text)
}

// SessionHash returns what stands for a session in logs: rows of one session
// have it in common, and nobody can take the session over by it. "" is 0.
func (a *Audit) SessionHash(sessionID string) string { return a.o.sessionHash(sessionID) }

// sessionHash has the shape of a UUID, as monitors want it.
func (o *Options) sessionHash(sessionID string) string {
	if sessionID == "" {
		return "0"
	}
	h := hmac.New(sha256.New, o.Salt)
	h.Write([]byte(sessionID))
	return uuid.UUID(h.Sum(nil)[:16]).String()
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

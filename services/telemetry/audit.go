package telemetry

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

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
	if o.Salt == nil {
		o.Salt = make([]byte, 32)
		_, _ = rand.Read(o.Salt) // never fails
	}
	a := &Audit{o: o}
	a.activity = newRolling(&a.o, "Audit", "AuditActivity", activityColumns)
	a.security = newRolling(&a.o, "Audit", "AuditSecurity", securityColumns)
	a.security.seal, a.security.rolled = a.chain.seal, a.sign
	if err := a.chain.goOn(a.security.path); err != nil {
		return nil, fmt.Errorf("audit security log: %w", err)
	}
	return a, nil
}

// Activity logs what somebody did.
func (a *Audit) Activity(e Event) {
	a.activity.write(append(a.common(&e), append(a.rest(&e), uuid.NewString())...)...)
}

// Security logs what bears on security: log-ins, refusals, changes of rules.
func (a *Audit) Security(e Event) {
	address := e.Address
	if address == "" {
		address = notAvailable
	}
	a.security.write(append(a.common(&e), append([]string{e.Class.String(), address}, a.rest(&e)...)...)...)
}

// Close rolls the files over.
func (a *Audit) Close() error {
	if err := a.activity.close(); err != nil {
		return err
	}
	return a.security.close()
}

// common returns the fields of both logs behind the number.
func (a *Audit) common(e *Event) []string {
	directory, id := e.UserDirectory, e.UserID
	if directory == "" && id == "" {
		directory, id = "System", "System"
	}
	ids, names := strings.Join(e.ObjectIDs, "|"), strings.Join(e.ObjectNames, "|")
	return []string{
		a.o.Version, a.o.Now().Format(timestamp), a.o.Machine, uuid.NewString(), e.description(),
		a.SessionHash(e.SessionID), or(e.PackageID, "0"), or(e.RequestSequence, "0"), directory, id, or(ids, "0"), or(names, notAvailable),
	}
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
	return fmt.Sprintf("Command=%s;Result=%d;ResultText=%s", e.Command, e.Result, text)
}

// SessionHash returns what stands for a session in logs: rows of one session
// have it in common, and nobody can take the session over by it. "" is 0.
func (a *Audit) SessionHash(sessionID string) string {
	if sessionID == "" {
		return "0"
	}
	h := hmac.New(sha256.New, a.o.Salt)
	h.Write([]byte(sessionID))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

package proxy

import (
	"encoding/json"
	"errors"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// A notice is what a client is told over its socket: a JSON-RPC notification,
// and with what code the socket closes after it; 0 = it stays open.
type notice struct {
	method string
	params map[string]any
	code   int
}

// Codes of closing (RFC 6455, section 7.4.1).
const (
	codeOver     = websocket.CloseNormalClosure
	codeLater    = websocket.CloseTryAgainLater
	codeDenied   = websocket.ClosePolicyViolation
	codeUpstream = websocket.CloseInternalServerErr
	codeLeaving  = websocket.CloseGoingAway
)

// frame is the notification. One that closes the socket is fatal.
func (n notice) frame() []byte {
	params := n.params
	if params == nil {
		params = map[string]any{}
	}
	if n.code != 0 {
		params["severity"] = "fatal"
	}
	b, err := json.Marshal(struct {
		Version string         `json:"jsonrpc"`
		Method  string         `json:"method"`
		Params  map[string]any `json:"params"`
	}{"2.0", n.method, params})
	if err != nil {
		panic("proxy: BUG: notice that is no JSON: " + err.Error())
	}
	return b
}

func fatal(method string, code int, params ...string) notice {
	n := notice{method: method, code: code, params: map[string]any{}}
	for i := 0; i < len(params); i += 2 {
		n.params[params[i]] = params[i+1]
	}
	return n
}

// ended is the notice of a session that is over.
func ended(why session.Reason, redirectURI string) notice {
	method := "OnSessionClosed"
	switch why {
	case session.TimedOut:
		method = "OnSessionTimedOut"
	case session.LoggedOut:
		method = "OnSessionLoggedOut"
	}
	return fatal(method, codeOver, "redirectUri", redirectURI)
}

// denied is the notice of a licence that is not there.
func denied(err error) notice {
	switch {
	case errors.Is(err, ErrNoAccess):
		return fatal("OnLicenseAccessDenied", codeDenied, "message", "No available access type")
	case errors.Is(err, ErrPendingUserSync):
		return fatal("OnLicenseAccessDeniedPendingUserSync", codeLater)
	case errors.Is(err, ErrTooManySessions):
		return fatal("OnMaxParallelSessionsExceeded", codeDenied)
	case errors.Is(err, ErrExcess):
		return fatal("OnExcessLicenseAssignment", codeDenied)
	}
	return fatal("OnNoRepositoryAvailable", codeLater)
}

// unavailable is the notice of a service without a place that answers.
func unavailable(s Service) notice {
	switch s {
	case Engine:
		return fatal("OnNoEngineAvailable", codeLater)
	case DataPrep:
		return fatal("OnNoDataPrepServiceAvailable", codeLater)
	case Printing:
		return fatal("OnNoPrintingServiceAvailable", codeLater)
	}
	return fatal("OnNoRepositoryAvailable", codeLater)
}

// died is the notice of a service whose socket ended without a word.
func died(s Service) notice {
	switch s {
	case Engine:
		return fatal("OnEngineWebsocketFailed", codeUpstream)
	case DataPrep:
		return fatal("OnDataPrepServiceWebsocketFailed", codeUpstream)
	}
	return fatal("OnRepositoryWebsocketFailed", codeUpstream)
}

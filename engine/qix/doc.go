// Package qix speaks the QIX protocol: JSON-RPC 2.0 over frames of bytes.
//
// A [Conn] is one socket of a session. It takes frames in ([Conn.Receive])
// and emits frames through a callback; it knows no sockets. Requests of a
// session run one after the other in the session's queue, those that are
// about other requests (CancelRequest, GetProgress ...) at once, so that they
// get through while a reload runs.
//
//	request   {"jsonrpc":"2.0","id":7,"handle":3,"method":"GetLayout","params":[...] or {...},"delta":true}
//	response  {"jsonrpc":"2.0","id":7,"result":{"qLayout":...},"change":[3],"close":[4],"delta":true}
//	error     {"jsonrpc":"2.0","id":7,"error":{"code":2,"parameter":"...","message":"..."}}
//	push      {"jsonrpc":"2.0","change":[3]}
//	notice    {"jsonrpc":"2.0","method":"OnConnected","params":{...}}
//
// With delta every member of a result is a list of patches; this server sends
// one that replaces the whole, or none where nothing changed.
//
// The method table ([classes]) names every method with its parameters; a
// handler reads them by name, calls the session and writes out-parameters.
package qix

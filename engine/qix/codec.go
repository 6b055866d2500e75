package qix

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cognate-bi/cognate/engine/object/tree"
)

// A request is one frame from a client.
type request struct {
	id     *tree.Node // number or string, as written
	handle int
	method string
	params *tree.Node // array, object or nil
	delta  bool

	arrived time.Time
	selects bool // changes a selection

	shows     bool        // what a selection leaves: pointless after the next one
	overtaken atomic.Bool // by that
}

// Limits bound one frame of a client.
type Limits struct {
	FrameBytes int // 0 = 100 MB
	Depth      int // nesting of JSON; 0 = 200
	Values     int // JSON values; 0 = 4 million
}

const frameBytesMax = 100 << 20

func (l Limits) frameBytes() int {
	if l.FrameBytes > 0 {
		return l.FrameBytes
	}
	return frameBytesMax
}

// readRequest parses a frame. On an error the request holds what is known,
// so that the answer can carry its id.
func readRequest(frame []byte, lim Limits) (*request, *Error) {
	if len(frame) > lim.frameBytes() {
		return &request{}, &Error{codeInvalidRequest, fmt.Sprintf("a frame of %d bytes, %d are allowed", len(frame), lim.frameBytes()), "Request too large"}
	}
	n, err := tree.Parse(frame, tree.Limits{Depth: lim.Depth, Values: lim.Values})
	if err != nil {
		return &request{}, &Error{codeParse, err.Error(), "Parse error"}
	}
	if n.Kind() != tree.Object {
		return &request{}, &Error{codeInvalidRequest, "a request is one object", "Invalid request"}
	}
	r := &request{id: n.Get("id"), handle: n.Get("handle").IntOr(-1), method: n.Get("method").Str(), params: n.Get("params"), delta: n.Get("delta").Truth()}
	if k := r.id.Kind(); k != tree.Number && k != tree.String {
		r.id = nil
	}
	if k := r.params.Kind(); k != tree.Null && k != tree.Array && k != tree.Object {
		return r, &Error{codeInvalidRequest, "params", "Invalid request"}
	}
	if r.method == "" || n.Get("handle") != nil && n.Get("handle").Kind() != tree.Number {
		return r, &Error{codeInvalidRequest, "method", "Invalid request"}
	}
	return r, nil
}

// key is the id as text; requests are cancelled by it.
func (r *request) key() string { return r.id.JSON() }

func appendHead(dst []byte, id *tree.Node) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	return id.Append(dst)
}

func appendChanges(dst []byte, changed, closed []int) []byte {
	dst = appendHandles(dst, "change", changed)
	return appendHandles(dst, "close", closed)
}

func appendHandles(dst []byte, key string, handles []int) []byte {
	if len(handles) == 0 {
		return dst
	}
	dst = append(tree.AppendKey(dst, key), '[')
	for _, h := range handles {
		dst = strconv.AppendInt(tree.AppendComma(dst), int64(h), 10)
	}
	return append(dst, ']')
}

// A member is one out-parameter of a result, as JSON.
type member struct {
	name string
	json []byte
}

// appendResult writes out-parameters, as patches of the root where delta is
// on. same tells that the client has a value already.
func appendResult(dst []byte, out []member, delta bool, same func(member) bool) []byte {
	dst = append(tree.AppendKey(dst, "result"), '{')
	for _, m := range out {
		dst = tree.AppendKey(dst, m.name)
		switch {
		case !delta:
			dst = append(dst, m.json...)
		case same(m):
			dst = append(dst, "[]"...)
		default:
			dst = append(dst, `[{"op":"add","path":"/","value":`...)
			dst = append(append(dst, m.json...), "}]"...)
		}
	}
	return append(dst, '}')
}

func appendError(dst []byte, e *Error) []byte {
	dst = append(tree.AppendKey(dst, "error"), `{"code":`...)
	dst = strconv.AppendInt(dst, int64(e.Code), 10)
	dst = tree.AppendString(tree.AppendKey(dst, "parameter"), e.Parameter)
	dst = tree.AppendString(tree.AppendKey(dst, "message"), e.Message)
	return append(dst, '}')
}

// Notification returns the frame of a notice of the server. All parameters are
// strings: clients read them into a map of strings.
func Notification(method string, params ...[2]string) []byte {
	dst := append([]byte(`{"jsonrpc":"2.0","method":`), tree.AppendString(nil, method)...)
	dst = append(dst, `,"params":{`...)
	for _, p := range params {
		dst = tree.AppendString(tree.AppendKey(dst, p[0]), p[1])
	}
	return append(dst, '}', '}')
}

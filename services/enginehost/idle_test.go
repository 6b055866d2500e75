package enginehost

import (
	"net/http"
	"runtime"
	"testing"

	"github.com/fasthttp/websocket"
)

// idleBytesMax is what a session may take that has an app open and does
// nothing, its socket included.
const idleBytesMax = 200 << 10

func TestIdleSessionsAreSmall(t *testing.T) {
	lib, id := starApp(t, 1000)
	host, err := New(Options{Addr: "127.0.0.1:0"}, lib)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = host.Serve() }()
	defer func() { _ = host.Shutdown(t.Context()) }()
	dialer := &websocket.Dialer{ReadBufferSize: 1024, WriteBufferSize: 1024}
	var keep []*visitor
	open := func(n int) {
		for range n {
			ws, _, err := dialer.Dial("ws://"+host.Addr().String()+"/app/"+id, http.Header{})
			if err != nil {
				t.Fatal(err)
			}
			v, err := enter(ws, id)
			if err != nil {
				t.Fatal(err)
			}
			keep = append(keep, v)
		}
	}
	open(5)
	before := memory()
	const n = 60
	open(n)
	each := (memory() - before) / n
	t.Logf("%d KB per session, ours of the client included", each>>10)
	if each > idleBytesMax {
		t.Errorf("a session takes %d bytes", each)
	}
	for _, v := range keep {
		_ = v.ws.Close()
	}
}

func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

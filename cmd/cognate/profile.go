package main

import (
	"errors"
	"expvar"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// serveProfiles answers at an address of this machine with profiles
// (/debug/pprof/) and figures of the runtime (/debug/vars), until stop. The
// address has no authentication, so others must not reach it.
func serveProfiles(addr string, log *slog.Logger) (stop func(), err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	if at := l.Addr().(*net.TCPAddr); !at.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("profiles: %s can be reached from other machines and there is no authentication: use 127.0.0.1", at), l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.Handle("/debug/vars", expvar.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("profiles are not served any more", "err", err)
		}
	}()
	log.Info("profiles", "url", "http://"+l.Addr().String()+"/debug/pprof/")
	return func() { _ = server.Close() }, nil
}

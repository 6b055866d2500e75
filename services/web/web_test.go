package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	for path, want := range map[string]int{"/": http.StatusOK, "/main.js": http.StatusOK, "/style.css": http.StatusOK, "/../web.go": http.StatusNotFound, "/nothing": http.StatusNotFound} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want && w.Code != http.StatusMovedPermanently {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if w.Code == http.StatusOK && !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'self'") {
			t.Errorf("%s has no content policy", path)
		}
	}
}

// A browser that has a file is told so.
func TestNotModified(t *testing.T) {
	h := Handler()
	first := httptest.NewRecorder()
	h.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/main.js", nil))
	r := httptest.NewRequest(http.MethodGet, "/main.js", nil)
	r.Header.Set("If-None-Match", first.Header().Get("ETag"))
	second := httptest.NewRecorder()
	if h.ServeHTTP(second, r); second.Code != http.StatusNotModified || second.Body.Len() != 0 {
		t.Errorf("asked again for %s: %d, %d bytes", first.Header().Get("ETag"), second.Code, second.Body.Len())
	}
}

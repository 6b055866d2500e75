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

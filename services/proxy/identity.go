package proxy

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// Headers by which services know users.
const (
	headerUser     = "X-Qlik-User"
	headerSecurity = "X-Qlik-Security"
	headerSession  = "X-Qlik-ProxySession"
)

// An identity is what services are told about a request.
type identity struct{ user, security, session string }

// identify writes the headers of a session's request.
func identify(ctx *fasthttp.RequestCtx, p place, sess *session.Session, licence string) identity {
	if sess == nil {
		return identity{}
	}
	var b strings.Builder
	b.WriteString("SecureRequest=")
	b.WriteString(map[bool]string{true: "true", false: "false"}[ctx.IsTLS()])
	add := func(name, value string) {
		b.WriteString("; " + name + "=" + encoded(value))
	}
	access := "AppAccess"
	if p.route.service == Console {
		access = "ManagementAccess"
	}
	add("Context", access)
	if licence != "" {
		add("LicenseContext", licence)
	}
	if p.virtual.Environment {
		os, device, browser := userAgent(string(ctx.UserAgent()))
		add("OS", os)
		add("Device", device)
		add("Browser", browser)
		add("IP", remote(ctx).String())
	}
	for _, a := range sess.User.Attributes {
		if !reserved(a.Name) {
			add(a.Name, a.Value)
		}
	}
	return identity{
		user:     "UserDirectory=" + sess.User.Directory + "; UserId=" + sess.User.ID,
		security: b.String(), session: sess.ID,
	}
}

// encoded writes the value of an attribute so that it is the same when a service
// has taken the header apart, trimmed and decoded its values: "%41dmins" does not
// become Admins.
func encoded(value string) string {
	if strings.TrimSpace(value) != value {
		return url.PathEscape(value)
	}
	return escapes.Replace(value)
}

var escapes = strings.NewReplacer("%", "%25", ";", "%3B")

// reserved reports whether an attribute of a login would say something that
// only we say, or could not be written.
func reserved(name string) bool {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "securerequest", "context", "licensecontext", "os", "device", "browser", "ip", "userdirectory", "userid":
		return true
	}
	return strings.ContainsAny(name, ";=%")
}

// userAgent tells the little that rules ask for.
func userAgent(ua string) (os, device, browser string) {
	first := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if strings.Contains(ua, pairs[i]) {
				return pairs[i+1]
			}
		}
		return "Unknown"
	}
	os = first("Windows", "Windows", "Android", "Android", "iPhone", "iOS", "iPad", "iOS", "Mac OS X", "Mac OS X", "Linux", "Linux")
	device = first("iPad", "iPad", "iPhone", "iPhone", "Android", "Android", "Mobile", "Mobile", "", "Default")
	browser = first("Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari")
	return os, device, browser
}

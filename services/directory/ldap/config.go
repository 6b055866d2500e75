package ldap

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/cognate-bi/cognate/services/directory"
)

// A config is the settings of a directory, checked.
type config struct {
	name                string // of the user directory
	address, host       string
	tls, startTLS       bool
	roots               *x509.CertPool // nil: those of this machine
	user, password      string
	base                string // "" = the server's
	timeout             time.Duration
	page                uint32
	users, groups       string // filters; groups "" = none are read
	chosen              bool   // a filter chooses among groups
	account, display    string
	email, groupName    string
	memberOf            string
	members, attributes []string
}

// attributeName is what attributes may be called: a name or an OID, with
// options.
var attributeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*(;[A-Za-z0-9-]+)*$`)

// read checks settings.
func read(v directory.Values) (*config, error) {
	c := &config{user: v.Text(userName), password: v.Text(password), base: v.Text(base)}
	var err error
	if err = c.readAddress(v); err != nil {
		return nil, err
	}
	if c.startTLS, err = v.Truth(startTLS); err != nil {
		return nil, err
	}
	if c.startTLS && c.tls {
		return nil, fmt.Errorf("%s: the connection is over TLS from its start (ldaps)", startTLS)
	}
	if pem := v.Text(authority); pem != "" {
		c.roots = x509.NewCertPool()
		if !c.roots.AppendCertsFromPEM([]byte(pem)) {
			return nil, fmt.Errorf("%s: is no certificate in PEM", authority)
		}
	}
	if c.user != "" && c.password == "" {
		return nil, fmt.Errorf("%s: is empty, and %s is not: such a log-in counts as nobody's", password, userName)
	}
	if c.base != "" {
		if _, err := ldap.ParseDN(c.base); err != nil {
			return nil, fmt.Errorf("%s: %.200q: %w", base, c.base, err)
		}
	}
	if c.timeout, err = v.Timeout(); err != nil {
		return nil, err
	}
	page, err := v.Whole(pageSize, 1, 100_000)
	if err != nil {
		return nil, err
	}
	c.page = uint32(page)
	if err := c.readAttributes(v); err != nil {
		return nil, err
	}
	if err := c.readFilters(v); err != nil {
		return nil, err
	}
	if c.name = v.Text(directory.DirectoryName); c.name == "" && v.Type() == activeDirectory {
		c.name = c.domain()
	}
	return c, directory.CheckName(c.name)
}

// readAddress reads where the server is: ldap://host:port/base, or host:port.
func (c *config) readAddress(v directory.Values) (err error) {
	setting, ssl := path, false
	if v.Has(host) {
		setting = host
		if ssl, err = v.Truth(useSSL); err != nil {
			return err
		}
	}
	text := v.Text(setting)
	if text == "" {
		return fmt.Errorf("%s: is empty", setting)
	}
	if !strings.Contains(text, "://") {
		text = "ldap://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%s: want ldap://host:port or ldaps://host:port, and perhaps a base behind it", setting)
	}
	port := u.Port()
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "ldaps" || ssl || setting == host && (port == "636" || port == "3269"):
		c.tls, port = true, cmp.Or(port, "636")
	case scheme == "ldap":
		port = cmp.Or(port, "389")
	default:
		return fmt.Errorf("%s: %s is neither ldap nor ldaps", setting, scheme)
	}
	c.host, c.address = u.Hostname(), net.JoinHostPort(u.Hostname(), port)
	c.base = cmp.Or(strings.Trim(u.Path, "/"), c.base)
	return nil
}

func (c *config) readAttributes(v directory.Values) error {
	c.account, c.display, c.email, c.groupName, c.memberOf = v.Text(account), v.Text(display), v.Text(email), v.Text(groupName), v.Text(memberOf)
	c.members, c.attributes = v.List(members), v.List(others)
	if c.account == "" {
		return fmt.Errorf("%s: is empty", account)
	}
	for _, a := range append(append([]string{c.account, c.display, c.email, c.groupName, c.memberOf}, c.members...), c.attributes...) {
		if a != "" && !attributeName.MatchString(a) {
			return fmt.Errorf("%.60q is no name of an attribute", a)
		}
	}
	for _, a := range c.attributes { // who logs in must not be taken for somebody else
		if strings.EqualFold(a, "userPassword") || strings.EqualFold(a, "unicodePwd") {
			return fmt.Errorf("%s: %s is not for rules to see", others, a)
		}
	}
	return nil
}

// readFilters makes the filters of people and of groups.
func (c *config) readFilters(v directory.Values) error {
	kind := v.Text(class)
	if kind == "" || !attributeName.MatchString(kind) {
		return fmt.Errorf("%s: %.60q is no name of an attribute", class, kind)
	}
	people, err := oneOf(kind, v.List(userClass))
	if err != nil {
		return fmt.Errorf("%s: %w", userClass, err)
	}
	if c.users, err = and(people+"("+c.account+"=*)", v.Text(userFilter)); err != nil {
		return fmt.Errorf("%s: %w", userFilter, err)
	}
	if len(v.List(groupClass)) == 0 || c.groupName == "" {
		return nil
	}
	groups, err := oneOf(kind, v.List(groupClass))
	if err != nil {
		return fmt.Errorf("%s: %w", groupClass, err)
	}
	c.chosen = v.Text(groupFilter) != ""
	if c.groups, err = and(groups, v.Text(groupFilter)); err != nil {
		return fmt.Errorf("%s: %w", groupFilter, err)
	}
	return nil
}

// oneOf is a filter by the classes of entries.
func oneOf(attribute string, values []string) (string, error) {
	if len(values) == 0 {
		return "", errors.New("is empty")
	}
	var b strings.Builder
	b.WriteString("(|")
	for _, v := range values {
		b.WriteString("(" + attribute + "=" + ldap.EscapeFilter(v) + ")")
	}
	b.WriteString(")")
	return b.String(), nil
}

// and adds a filter that somebody has written to one of ours.
func and(ours, theirs string) (string, error) {
	if theirs != "" {
		if !strings.HasPrefix(theirs, "(") {
			theirs = "(" + theirs + ")"
		}
		if _, err := ldap.CompileFilter(theirs); err != nil {
			return "", fmt.Errorf("%.200q: %w", theirs, err)
		}
	}
	return "(&" + ours + theirs + ")", nil
}

// domain is the name of an Active Directory that was given none: the first part
// of its base or of its host.
func (c *config) domain() string {
	if dn, err := ldap.ParseDN(c.base); err == nil {
		for _, rdn := range dn.RDNs {
			for _, a := range rdn.Attributes {
				if strings.EqualFold(a.Type, "dc") {
					return strings.ToUpper(a.Value)
				}
			}
		}
	}
	if net.ParseIP(c.host) != nil {
		return ""
	}
	first, _, _ := strings.Cut(c.host, ".")
	return strings.ToUpper(first)
}

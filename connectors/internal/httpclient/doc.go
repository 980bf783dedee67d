// Package httpclient is the one HTTP client of all connectors: rates,
// deadlines, retries, redirects, gzip, body limits and the rule of who may see
// a credential live here and nowhere else.
//
// It knows no vendor and parses no answer (but for [Client.JSON], for small
// ones). A credential goes to the configured scheme, host and port alone;
// redirects are followed without it. No error text holds a credential, a query
// string or a signed URL.
//
// Start at [Client.Do]; attempt.go is one try with its redirects, queue.go who
// may send next, body.go what guards the answer while it is read and pace.go how
// fast it must come, links.go where a link must not lead, clock.go whether the
// machine's clock is right, redact.go and secrets.go what is taken out of messages.
package httpclient

// Package push is the way back: contacts that go to a vendor's outbound hubs, each accepted at most once without an
// operator's word.
//
// A push shares nothing with a sync. A sync may ask again, because a window is replaced; a push must not, because a
// second contact is a second phone call. So a push has a contract of its own: [Input] and [Hub] are implemented by a
// connector, which knows what a contact of its vendor is, and [Ledger] by a sink. None of them has a part in
// pipeline.Source or in the sync's journal. Start at state.go: it is the whole machine, as a table. sender.go moves one
// batch through the machine.
package push

package remit.policies.mass_read_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.mass_read

_codes := fixtures.codes(mass_read.ask)

_read(changes) := fixtures.changed(fixtures.allowed, changes)

# A call with these arguments, of a tool whose page size is at the pointer.
_page(pointer, arguments) := [["tool/page_sizes", [pointer]], ["call/arguments", arguments]]

test_lets_ordinary_reading_pass if {
	every called in [fixtures.allowed, fixtures.allowed_admin, fixtures.allowed_payment] {
		mass_read.ask == set() with input as called
	}
}

test_asks_about_large_pages if {
	every size, codes in {1: set(), 500: set(), 501: {"page_too_large"}, 0: {"page_too_large"}, -1: {"page_too_large"}} {
		_codes == codes with input as _read(_page("/limit", {"limit": size}))
	}
}

test_asks_about_pages_that_cannot_be_judged if {
	every size in ["all", "10", true, null, [], {}] {
		_codes == {"page_too_large"} with input as _read(_page("/limit", {"limit": size}))
	}
}

test_finds_page_sizes_where_the_pointer_says if {
	_codes == {"page_too_large"} with input as _read(_page("/paging/size", {"paging": {"size": 501}}))
	_codes == {"page_too_large"} with input as _read(_page("/a~1b~0c", {"a/b~c": 501}))
	_codes == set() with input as _read(_page("/limit", {"other": 501}))
	_codes == {"page_too_large"} with input as _read(_page("/pages/1/size", {"pages": [{"size": 1}, {"size": 501}]}))
	_codes == set() with input as _read(_page("/pages/0/size", {"pages": [{"size": 1}, {"size": 501}]}))
	_codes == set() with input as _read(_page("/pages/2/size", {"pages": [{"size": 1}, {"size": 501}]}))
	_codes == {"page_too_large"} with input as _read(_page("/0/1", {"0": [1, 501], "1": 1}))
	_codes == set() with input as _read(_page("/paging/size", {"paging": 501}))
}

test_names_the_argument if {
	called := fixtures.changed(fixtures.allowed, _page("/limit", {"limit": 501}))
	{entry.detail | some entry in mass_read.ask} == {"`/limit`"} with input as called
}

test_asks_after_many_rows if {
	_codes == set() with input as _read([["session/records", 10000]])
	_codes == {"mass_read"} with input as _read([["session/records", 10001]])
	_codes == set() with input as _read([["session/records", 10001], ["tool/returns", ["untrusted"]]])
}

test_asks_after_many_calls_of_the_tool if {
	_codes == set() with input as _read([["session/counts/tool", {"crm/search_customers": 99}]])
	_codes == {"mass_read"} with input as _read([["session/counts/tool", {"crm/search_customers": 100}]])
	_codes == set() with input as _read([["session/counts/tool", {"crm/get_customer": 100}]])
	_codes == {"mass_read"} with input as _read([["session/counts/tool", {"search_customers": 100}], ["call/server", null]])
}

test_asks_when_a_limit_is_no_number if {
	every name in ["records_max", "calls_max"] {
		limits := object.union({"page_size_max": 1, "records_max": 100, "calls_max": 100}, {name: "100"})
		_codes == {"mass_read"} with input as fixtures.allowed with data.remit.config.mass_read as limits
	}
}

test_asks_when_nothing_says_what_is_much if {
	called := _read(_page("/limit", {"limit": 1}))
	every none in [{}, {"page_size_max": "1", "records_max": "1", "calls_max": "1"}] {
		_codes == {"page_too_large", "mass_read"} with input as called
			with data.remit.config.mass_read as none
	}
}

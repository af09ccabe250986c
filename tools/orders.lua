-- What the demo's second wrk sends: orders by POST. An answer that does not repeat its order is counted as wrong.
wrk.method = "POST"
wrk.body = "three apples\n"

local threads = {}
wrong = 0 -- of one thread, asked by done(); a global, for only those can be

function setup(thread) table.insert(threads, thread) end

function response(status, headers, body)
  if status < 300 and not body:find("took: three apples", 1, true) then wrong = wrong + 1 end
end

function done()
  local all = 0
  for _, thread in ipairs(threads) do all = all + thread:get("wrong") end
  print("Wrong answers: " .. all)
end

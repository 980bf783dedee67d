'use strict';
(() => {
	const all = (s, of = document) => [...of.querySelectorAll(s)];
	const age = document.getElementById('age');
	const tellAge = () => {
		const hours = (Date.now() - Date.parse(age.dataset.made)) / 36e5;
		age.textContent = hours < 1 ? ', less than an hour ago' : hours < 48 ? `, ${Math.floor(hours)} h ago` : `, ${Math.floor(hours / 24)} days ago`;
		document.getElementById('old').hidden = hours <= 26;
	};
	tellAge();
	setInterval(tellAge, 6e4);

	const box = document.querySelector('#filter');
	box.hidden = all('[data-stream]').length === 0;
	box.querySelector('input').addEventListener('input', e => {
		const word = e.target.value.trim().toLowerCase();
		for (const of of all('[data-stream]')) of.hidden = !of.dataset.stream.includes(word);
	});

	for (const code of all('.todo code')) {
		const b = document.createElement('button');
		b.type = 'button';
		b.textContent = 'copy';
		b.addEventListener('click', async () => {
			try {
				await navigator.clipboard.writeText(code.textContent);
			} catch {
				getSelection().selectAllChildren(code);
				document.execCommand('copy');
			}
			b.textContent = 'copied';
			setTimeout(() => { b.textContent = 'copy'; }, 2000);
		});
		code.after(b);
	}

	// Of a picture that is wider than its window the newest days are looked for first.
	for (const svg of all('article > .year svg')) {
		const ends = [...svg.querySelectorAll('[data-state]')].map(p => p.getBBox()).map(b => b.x + b.width);
		svg.parentElement.scrollLeft = Math.max(0, ...ends) + 9 - svg.parentElement.clientWidth;
	}

	const tip = document.createElement('div');
	tip.id = 'tip';
	tip.hidden = true;
	tip.setAttribute('aria-hidden', 'true');
	document.body.append(tip);
	const iso = d => d.toISOString().slice(0, 10);
	const dayAt = (svg, x, y) => {
		if (svg.dataset.strip) return new Date(Date.parse(svg.dataset.strip) + Math.floor(x / 2) * 864e5);
		const first = new Date(Date.UTC(+svg.dataset.year, 0, 1));
		const day = Math.floor(x / 9) * 7 + Math.min(6, Math.floor(y / 9)) - (first.getUTCDay() + 6) % 7;
		return new Date(+first + day * 864e5);
	};
	document.addEventListener('pointermove', e => {
		const svg = e.target.closest && e.target.closest('svg[data-year], svg[data-strip]');
		tip.hidden = !svg;
		if (!svg) return;
		const r = svg.getBoundingClientRect();
		const state = (e.target.getAttribute('class') || '').startsWith('s-') ? ' ' + e.target.getAttribute('class').slice(2) : '';
		tip.textContent = iso(dayAt(svg, e.clientX - r.left, e.clientY - r.top)) + state;
		tip.setAttribute('data-at', '');
		tip.style.left = Math.min(e.clientX + 12, innerWidth - 160) + 'px';
		tip.style.top = e.clientY + 14 + 'px';
	});

	let shut = [];
	addEventListener('beforeprint', () => { shut = all('details:not([open])'); for (const d of shut) d.open = true; });
	addEventListener('afterprint', () => { for (const d of shut) d.open = false; });
})();
